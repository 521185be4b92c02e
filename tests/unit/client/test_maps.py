"""Maps count items, name the item of an error, and run whatever the builtin `map` runs."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

import engineroom as er
from engineroom.client.client import Client
from engineroom.protocol.messages import Abort, Outcome, Status, Submit
from tests.conftest import wait_until
from tests.examples import drawn
from tests.patience import SECONDS
from tests.unit.client.fake_controller import FakeController

together = drawn(30, suppress_health_check=[HealthCheck.function_scoped_fixture])


def views(rc: Client) -> list[Any]:
    return [rc[:], rc.load_balanced_view(), rc[0]]


def odd(number: int) -> int:
    if number % 2 == 0:
        raise ValueError(number)
    return number


@together
@given(st.lists(st.integers(0, 100), max_size=30), st.none() | st.integers(1, 40))
def test_every_item_has_its_result_or_its_error_whatever_the_chunks(
    rc: Client, items: list[int], chunksize: int | None
) -> None:
    even = [index for index, item in enumerate(items) if item % 2 == 0]
    for view in views(rc):
        options = {"chunksize": chunksize} if hasattr(view, "retries") else {}
        result = view.map_async(odd, items, **options)
        result.wait(SECONDS)
        assert len(result) == result.progress == len(items)
        found = result.get(return_exceptions=True)
        assert [index for index, value in enumerate(found) if isinstance(value, ValueError)] == even
        assert [value for value in found if isinstance(value, int)] == [item for item in items if item % 2]
        assert [found[index].item for index in even] == [(index, str(items[index])) for index in even]
        assert [metadata.status for metadata in result.metadata] == ["error" if i % 2 == 0 else "ok" for i in items]
        if even:
            with pytest.raises(er.CompositeError) as caught:
                result.get()
            assert [error.item[0] for error in caught.value.exceptions] == even
            assert len(caught.value.elist) == len(even)
        else:
            assert result.get() == items


def test_maps_count_items(rc: Client, fake: FakeController) -> None:
    view = rc.load_balanced_view()
    fake.holding = True
    result = view.map_async(lambda x: x * 2, range(10), chunksize=4)
    assert (len(result), result.progress) == (10, 0)
    assert "0 of 10 done" in repr(result)
    fake.answer()
    assert result[:4] == [0, 2, 4, 6]
    assert result[np.int64(3)] == 6
    assert result.progress == 4
    fake.answer(2)
    assert (result[-1], result[8:], result[::5]) == (18, [16, 18], [0, 10])
    with pytest.raises(IndexError, match="10 items"):
        result[10]
    assert len(list(result)) == len(result.metadata) == len(result.engine_id) == 10
    assert len(fake.heard_of(Submit)) == 3


def increment(number: int) -> int:
    return number + 1


def chunks_of_a_map(rc: Client, fake: FakeController, function: Any) -> int:
    before = len(fake.heard_of(Submit))
    rc.load_balanced_view().map_async(function, range(100_000)).wait(SECONDS)
    return len(fake.heard_of(Submit)) - before


def test_a_map_is_cut_into_fewer_chunks_once_its_items_are_known_to_be_tiny(rc: Client, fake: FakeController) -> None:
    unknown = chunks_of_a_map(rc, fake, increment)
    assert chunks_of_a_map(rc, fake, increment) == unknown
    fake.seconds = 1e-5
    assert chunks_of_a_map(rc, fake, increment) == unknown
    assert chunks_of_a_map(rc, fake, increment) <= unknown * 2 // 3
    assert chunks_of_a_map(rc, fake, odd) == chunks_of_a_map(rc, fake, odd) == unknown  # it failed, and took who knows


unpacked_in: list[threading.Thread] = []


def note_thread() -> None:
    unpacked_in.append(threading.current_thread())


class Noting:
    """Notes in which thread it is unpacked."""

    def __init__(self, _: int) -> None: ...

    def __reduce__(self) -> tuple[Any, ...]:
        return note_thread, ()


def test_chunks_are_unpacked_as_they_arrive_in_the_thread_that_waits(rc: Client, fake: FakeController) -> None:
    unpacked_in.clear()
    fake.holding = True
    result = rc.load_balanced_view().map_async(Noting, range(6), chunksize=2)
    fake.answer()
    assert wait_until(lambda: result.progress == 2)
    found: list[Any] = []
    waiting = threading.Thread(target=lambda: found.append(result.get(SECONDS)))
    waiting.start()
    fake.answer()
    assert wait_until(lambda: len(unpacked_in) == 4)
    assert not result.done()
    fake.answer()
    waiting.join(SECONDS)
    assert found == [[None] * 6]
    assert unpacked_in == [waiting] * 6


def test_a_wait_for_the_end_alone_unpacks_nothing(rc: Client) -> None:
    unpacked_in.clear()
    result = rc.load_balanced_view().map_async(Noting, range(6), chunksize=2)
    assert result.wait(SECONDS)
    assert result.exception() is None
    assert not unpacked_in


def test_a_map_that_is_late_keeps_what_was_unpacked(rc: Client, fake: FakeController) -> None:
    unpacked_in.clear()
    fake.holding = True
    result = rc.load_balanced_view().map_async(Noting, range(4), chunksize=2)
    fake.answer()
    assert wait_until(lambda: result.progress == 2)
    with pytest.raises(TimeoutError):
        result.get(0.01)
    fake.answer()
    assert result.get(SECONDS) == [None] * 4
    assert len(unpacked_in) == 4


def test_the_history_counts_items(rc: Client) -> None:
    view = rc.load_balanced_view()
    first = view.apply_async(abs, 1)
    result = view.map_async(abs, range(10), chunksize=4)
    one, two, three = result.msg_ids
    assert view.history == rc.history == [*first.msg_ids, *[one] * 4, *[two] * 4, *[three] * 2]
    rc[:].map_sync(abs, range(150_000))
    assert len(rc.history) == 100_000


def test_one_error_of_an_item_is_raised_where_its_turn_comes(rc: Client) -> None:
    for view in views(rc):
        results = iter(view.map_async(lambda x: 1 / x, [1, 2, 0, 4]))
        assert [next(results), next(results)] == [1.0, 0.5]
        with pytest.raises(ZeroDivisionError):
            next(results)
        with pytest.raises(ZeroDivisionError):  # one distinct type
            view.map_sync(lambda x: 1 / x, [1, 0, 0])


def test_a_chunk_that_is_lost_is_lost_item_by_item(rc: Client, fake: FakeController) -> None:
    fake.holding = True
    result = rc.load_balanced_view().map_async(abs, range(6), chunksize=3)
    assert wait_until(lambda: len(fake.held) == 2)
    fake.answer()
    fake.do(lambda: fake.result(fake.held[0][0].task, Outcome(Status.LOST, 0.0, 0.0, "killed"), engine=1))
    found = result.get(SECONDS, return_exceptions=True)
    assert found[:3] == [0, 1, 2]
    assert [type(error) for error in found[3:]] == [type(found[3])] * 3
    assert isinstance(found[5], er.EngineError)
    with pytest.raises(er.CompositeError) as caught:
        result.get()
    assert [error.item for error in caught.value.exceptions] == [(3, "and 2 more")]


def test_stop_withdraws_what_has_not_run_and_raises_at_once(rc: Client, fake: FakeController) -> None:
    fake.holding = True
    result = rc.load_balanced_view().map_async(lambda x: 1 / x, [1, 0, 2, 3], chunksize=1, on_error="stop")
    fake.answer(2)
    with pytest.raises(ZeroDivisionError) as caught:
        result.get(SECONDS)
    assert [error.item for error in caught.value.exceptions] == [(1, "0")]  # type: ignore[attr-defined]
    assert result[0] == 1.0
    rc.queue_status()
    [abort] = fake.heard_of(Abort)
    assert (len(abort.tasks), abort.interrupt) == (2, True)
    with pytest.raises(ZeroDivisionError):
        result[3]
    with pytest.raises(ZeroDivisionError):
        list(result)
    with pytest.raises(ValueError, match="on_error"):
        rc[:].map_sync(abs, [1], on_error="ignore")
    with pytest.raises(ValueError, match="return_exceptions"):
        rc[:].map_sync(abs, [1], on_error="stop", return_exceptions=True)


def test_views_and_executors_map_as_the_builtin_does(rc: Client) -> None:
    for view in views(rc):
        assert view.map_sync(pow, [3, 4], itertools.repeat(2)) == [9, 16]
        assert view.map_sync(pow, itertools.count(), [2, 2]) == [0, 1]
        assert view.map_sync(str.upper, {"a": 1, "b": 2}) == ["A", "B"]
        assert view.map_sync(abs, []) == view.map_sync(abs, iter(())) == []
        assert list(view.executor.map(pow, [3, 4], itertools.repeat(2))) == [9, 16]
        with pytest.raises(TypeError):
            view.map_sync(abs)
        with pytest.raises(TypeError):
            view.map_sync(abs, 3)
        for call in (view.map_sync, view.map_async, view.imap, view.executor.map):
            with pytest.raises(er.PackError, match="expected a function, got an object of type 'int'"):
                list(call(3, [1]))
        assert len(view.map_async(er.Reference("f"), [1])) == 1
        parts = [[1, 2], [3], [4, 5]]
        found = view.map_sync(lambda xs: next(x for x in xs if x % 2 == 0), parts, return_exceptions=True)
        assert (found[0], found[1].ename, found[2]) == (2, "StopIteration", 4)


def test_a_view_of_no_engines_loses_nothing_in_silence(rc: Client) -> None:
    empty = rc[[]]
    assert empty.map_sync(abs, []) == empty.gather("x", block=True) == []
    empty.scatter("x", [], block=True)
    for act in (lambda: empty.map_sync(abs, [1]), lambda: empty.scatter("x", [1])):
        with pytest.raises(er.NoEnginesRegistered, match="has no engines"):
            act()


def test_an_item_that_cannot_be_sent_is_named_and_nothing_of_the_map_runs_on(rc: Client, fake: FakeController) -> None:
    import threading

    fake.holding = True
    items = [1, 2, 3, threading.Lock()]
    with pytest.raises(er.PackError, match=r"item 3 of the map"):
        rc.load_balanced_view().map_async(print, items, chunksize=1)
    assert rc.wait(timeout=SECONDS)
    assert len(fake.heard_of(Abort)[0].tasks) == 3
    fake.holding = False
    results = rc.load_balanced_view().imap(abs, items)
    assert [next(results) for _ in range(3)] == [1, 2, 3]
    with pytest.raises(er.PackError, match=r"item 3 of the map"):
        next(results)
    assert list(results) == []


def test_a_map_with_retries_repeats_items_rather_than_chunks(rc: Client, fake: FakeController) -> None:
    rc.load_balanced_view(retries=2).map_sync(abs, range(5))
    assert len(fake.heard_of(Submit)) == 5


def test_results_by_engine(rc: Client) -> None:
    by_engine = rc[:].map_async(abs, range(5)).get_dict()
    assert by_engine == {0: [0, 1, 2], 1: [3, 4]}
    assert sorted(itertools.chain(*rc.load_balanced_view().map_async(abs, range(9)).get_dict().values())) == list(
        range(9)
    )
