"""Task numbers as ranges, in pieces: no message grows with what is outstanding."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from engineroom.ids import SessionId, TaskId, number_of, session_of, task_id
from engineroom.protocol.ranges import MOST_LISTED, Identity, Number, Ordinal

T = TypeVar("T")

MOST_RANGES = 4096
"""So many ranges travel in one message. Together they are far shorter than a record."""

Range = tuple[Number, Number]
"""The first and the last of consecutive numbers. We make them in ascending order, and apart from each other; others
may send anything."""

Ranges = Annotated[tuple[Range, ...], Meta(max_length=MOST_RANGES)]

AttemptRange = tuple[Identity, Number, Number, Ordinal]
"""Attempts of consecutive tasks of one session: the session, the first and the last number, and the number of the
attempt, which is the same for all of them."""

AttemptRanges = Annotated[tuple[AttemptRange, ...], Meta(max_length=MOST_RANGES)]
"""In the order in which whoever sends them holds them."""


def ranges_of(numbers: Iterable[int]) -> list[Range]:
    """Return `numbers`, in any order and perhaps several times, as ranges."""
    found: list[Range] = []
    first = last = -2
    for number in sorted(numbers):
        if number > last + 1:
            if last >= 0:
                found.append((first, last))
            first = number
        last = number
    if last >= 0:
        found.append((first, last))
    return found


def pieces(numbers: Iterable[int], most: int = MOST_RANGES) -> Iterator[Ranges]:
    """Yield `numbers` as ranges, at most `most` at a time; nothing for no numbers."""
    return in_batches(ranges_of(numbers), most)


def numbers_in(ranges: Iterable[Range]) -> Iterator[int]:
    """Yield the numbers that `ranges` stand for: any number of them, if somebody else made the ranges."""
    for first, last in ranges:
        yield from range(first, last + 1)


def found_in(ranges: Iterable[Range], among: Collection[int]) -> list[int]:
    """Return those of `among`, of which it is quick to ask whether a number is in it, that are in `ranges`.

    O(what there is), whatever the ranges say: they may stand for numbers that never were.
    """
    ranges = tidy(ranges)
    if sum(last - first + 1 for first, last in ranges) <= 2 * len(among):
        return [number for number in numbers_in(ranges) if number in among]
    firsts = [first for first, _ in ranges]
    found = []
    for number in among:
        place = bisect_right(firsts, number) - 1
        if place >= 0 and number <= ranges[place][1]:
            found.append(number)
    return found


def tidy(ranges: Iterable[Range]) -> list[Range]:
    """Return `ranges`, from whoever they are, in ascending order and apart from each other."""
    tidied: list[Range] = []
    for first, last in sorted(ranges):
        if last < first:
            continue
        if tidied and first <= tidied[-1][1] + 1:
            tidied[-1] = (tidied[-1][0], max(tidied[-1][1], last))
        else:
            tidied.append((first, last))
    return tidied


def without(ranges: Iterable[Range], others: Sequence[Range]) -> list[Range]:
    """Return what is in `ranges` and not in `others`; both are tidy. O(both)."""
    left: list[Range] = []
    place = 0
    for first, last in ranges:
        at = first
        while place < len(others) and others[place][0] <= last:
            start, end = others[place]
            if at < start:
                left.append((at, start - 1))
            at = max(at, end + 1)
            if end > last:
                break  # the next one may begin in it, too
            place += 1
        if at <= last:
            left.append((at, last))
    return left


class TaskRanges(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Some tasks of one session."""

    session: Identity
    ranges: Ranges

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.ranges)

    def tasks(self) -> Iterator[TaskId]:
        """Yield the ids of the tasks."""
        session = SessionId(self.session)
        return (task_id(session, number) for number in numbers_in(self.ranges))


def one_task(task: TaskId) -> TaskRanges:
    """Return the ranges that hold `task` alone."""
    number = number_of(task)
    return TaskRanges(session_of(task), ((number, number),))


def task_pieces(session: SessionId, numbers: Iterable[int], most: int = MOST_RANGES) -> Iterator[TaskRanges]:
    """Yield the tasks of `session` that have these numbers, each piece short enough for a message."""
    return (TaskRanges(session, ranges) for ranges in pieces(numbers, most))


def attempt_ranges(attempts: Iterable[tuple[TaskId, int]]) -> Iterator[AttemptRange]:
    """Yield `attempts` as ranges, in the order in which they come."""
    session, first, last, attempt = SessionId(b""), 0, -1, 0
    for task, number in attempts:
        place = number_of(task)
        if place == last + 1 and number == attempt and task.startswith(session) and session:
            last = place
            continue
        if session:
            yield session, first, last, attempt
        session, first, last, attempt = session_of(task), place, place, number
    if session:
        yield session, first, last, attempt


def attempts_in(ranges: Iterable[AttemptRange]) -> Iterator[tuple[TaskId, int]]:
    """Yield the attempts that `ranges` stand for, in their order: any number, if somebody else made the ranges."""
    for session, first, last, attempt in ranges:
        for number in range(first, last + 1):
            yield task_id(SessionId(session), number), attempt


def attempt_pieces(
    attempts: Iterable[tuple[TaskId, int]], most: int = MOST_RANGES
) -> Iterator[tuple[AttemptRange, ...]]:
    """Yield `attempts` as ranges, at most `most` at a time, in the order in which they come."""
    return in_batches(attempt_ranges(attempts), most)


def tidy_attempts(ranges: Iterable[AttemptRange]) -> Iterator[AttemptRange]:
    """Yield `ranges`, from whoever they are, so that each attempt is in one of them."""
    found: dict[tuple[bytes, int], list[Range]] = {}
    for session, first, last, attempt in ranges:
        found.setdefault((session, attempt), []).append((first, last))
    for (session, attempt), pairs in found.items():
        for first, last in tidy(pairs):
            yield session, first, last, attempt


def listed(engines: Iterable[T]) -> Iterator[tuple[T, ...]]:
    """Yield `engines` in pieces that a message may list."""
    return in_batches(engines, MOST_LISTED)


def in_batches(items: Iterable[T], most: int) -> Iterator[tuple[T, ...]]:
    """Yield `items`, at most `most` at a time; nothing for no items."""
    rest = iter(items)
    while batch := tuple(islice(rest, most)):
        yield batch


def split(first: int, last: int, known: Sequence[int]) -> tuple[Sequence[int], list[Range]]:
    """Return which of the ascending numbers `known` are in a range, and the ranges of the others in it."""
    inside = known[bisect_left(known, first) : bisect_right(known, last)]
    gaps, at = [], first
    for start, end in ranges_of(inside):
        if at < start:
            gaps.append((at, start - 1))
        at = end + 1
    if at <= last:
        gaps.append((at, last))
    return inside, gaps
