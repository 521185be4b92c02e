"""Ranges: whatever numbers go in come out, in pieces that fit a message."""

from __future__ import annotations

from itertools import pairwise

import hypothesis.strategies as st
import msgspec
from hypothesis import given

from engineroom.engine.held import held_pieces
from engineroom.ids import SessionId, task_id
from engineroom.protocol.messages import Abort, Delivered, Ended, Outcome, Status, TasksStarted, Withdraw
from engineroom.protocol.ranges import MOST
from engineroom.protocol.records import MAX_RECORD
from engineroom.protocol.task_ranges import (
    MOST_RANGES,
    TaskRanges,
    attempt_pieces,
    attempts_in,
    found_in,
    numbers_in,
    one_task,
    pieces,
    split,
    task_pieces,
    tidy,
    tidy_attempts,
)

ONE, OTHER = SessionId(b"1" * 16), SessionId(b"2" * 16)

numbers = st.lists(st.integers(0, 60) | st.integers(MOST - 5, MOST), max_size=60)
attempts = st.lists(
    st.tuples(st.builds(task_id, st.sampled_from((ONE, OTHER)), st.integers(0, 20)), st.integers(1, 3)),
    max_size=60,
    unique=True,
)


@given(numbers, st.integers(1, 5))
def test_every_number_comes_out_once_and_in_order(given_: list[int], most: int) -> None:
    cut = list(pieces(given_, most))

    assert [number for piece in cut for number in numbers_in(piece)] == sorted(set(given_))
    assert all(0 < len(piece) <= most for piece in cut)


@given(numbers, st.integers(1, 5))
def test_pieces_travel(given_: list[int], most: int) -> None:
    for piece in task_pieces(ONE, given_, most):
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(piece), type=TaskRanges) == piece
        assert [*piece.tasks()] == [task_id(ONE, number) for number in numbers_in(piece.ranges)]


@given(attempts, st.integers(1, 5))
def test_attempts_come_out_as_they_went_in(given_: list[tuple[bytes, int]], most: int) -> None:
    cut = list(attempt_pieces(given_, most))  # type: ignore[arg-type]  # ids

    assert [attempt for piece in cut for attempt in attempts_in(piece)] == given_
    for piece in cut:
        assert 0 < len(piece) <= most


@given(numbers, numbers)
def test_what_is_looked_for_is_found(wanted: list[int], there: list[int]) -> None:
    for piece in pieces(wanted):
        assert sorted(found_in(piece, set(there))) == sorted(set(wanted) & set(there))


def test_looking_takes_no_longer_than_there_is_to_find() -> None:
    assert found_in(((0, MOST),), {5, 7}) == [5, 7]


@given(st.integers(0, 30), st.integers(0, 30), st.sets(st.integers(0, 40)))
def test_a_range_is_split_into_what_is_known_and_what_is_not(one: int, other: int, known: set[int]) -> None:
    first, last = sorted((one, other))

    inside, gaps = split(first, last, sorted(known))

    assert set(inside) == known & set(range(first, last + 1))
    assert set(numbers_in(gaps)) == set(range(first, last + 1)) - known


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=20), st.sets(st.integers(0, 40)))
def test_ranges_of_others_are_tidied(ranges: list[tuple[int, int]], there: set[int]) -> None:
    meant = set(numbers_in(ranges))
    tidied = tidy(ranges)

    assert set(numbers_in(tidied)) == meant
    assert all(before[1] + 1 < after[0] for before, after in pairwise(tidied))
    assert sorted(found_in(ranges, there)) == sorted(meant & there)


@given(st.lists(st.tuples(st.sampled_from((ONE, OTHER)), st.integers(0, 20), st.integers(0, 20), st.integers(1, 2))))
def test_attempts_of_others_are_named_once(ranges: list[tuple[bytes, int, int, int]]) -> None:
    named = list(attempts_in(tidy_attempts(ranges)))

    assert len(set(named)) == len(named)
    assert set(named) == set(attempts_in(ranges))


def test_the_longest_pieces_fit_a_record() -> None:
    """Each range as long as it can be, and all fields at once."""
    apart = [MOST - 2 * number for number in range(MOST_RANGES + 1)]
    attempts = [(task_id(ONE, number), MOST) for number in apart]

    assert [len(piece) for piece in pieces(apart)] == [MOST_RANGES, 1]
    outcome = Outcome(Status.LOST, 1e11, 1e10, "x" * 4096)
    longest = next(task_pieces(ONE, apart))
    messages = [Ended(longest, outcome), Abort(longest), TasksStarted(1, longest), Delivered(MOST, longest.ranges)]
    messages += [Withdraw(next(attempt_pieces(attempts))), *held_pieces(attempts[:1], attempts, attempts)]
    messages += held_pieces(attempts[:1], attempts[:-1], attempts[:-1])
    for message in messages:
        assert len(msgspec.msgpack.encode((message,))) < MAX_RECORD


def test_one_task_is_a_range_of_one() -> None:
    assert one_task(task_id(ONE, 7)) == TaskRanges(ONE, ((7, 7),))
