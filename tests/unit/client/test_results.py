"""AsyncResult: a Future that knows its tasks."""

from __future__ import annotations

import asyncio
import concurrent.futures
import operator
import threading
from concurrent.futures import FIRST_COMPLETED, FIRST_EXCEPTION

import pytest

import engineroom as er
from engineroom.client.client import Client
from engineroom.protocol.calls import Outcome, Status
from tests.conftest import wait_until
from tests.patience import SECONDS
from tests.unit.client.fake_controller import FakeController


def test_a_result_is_there_once_it_came(rc: Client, fake: FakeController) -> None:
    fake.holding = True
    result = rc.load_balanced_view().apply_async(abs, -3)
    assert not result.ready()
    assert not result.done()
    assert not result.wait(0.01)
    with pytest.raises(TimeoutError):
        result.get(0.01)
    with pytest.raises(RuntimeError, match="not available until all tasks have ended"):
        result.successful()
    fake.answer()
    assert result.get(SECONDS) == 3
    assert result.ready()
    assert result.successful()
    assert result.r == result.result() == 3
    assert result.exception() is None


def test_an_error_is_of_both_types(rc: Client) -> None:
    result = rc.load_balanced_view().apply_async(int, "x")
    with pytest.raises(ValueError, match="invalid literal") as caught:
        result.get()
    assert isinstance(caught.value, er.RemoteError)
    assert not result.successful()
    assert isinstance(result.exception(), ValueError)
    assert isinstance(result.get(return_exceptions=True), ValueError)


def test_a_list_target_raises_composite_error_even_for_one_engine(rc: Client) -> None:
    with pytest.raises(er.CompositeError):
        rc[[0]].apply_sync(int, "x")
    with pytest.raises(ValueError, match="invalid literal"):
        rc[0].apply_sync(int, "x")


def test_each_time_the_same_error_is_raised(rc: Client) -> None:
    for result in (
        rc[0].apply_async(int, "x"),
        rc[:].apply_async(int, "x"),
        rc.load_balanced_view().map_async(int, "1xy2"),
        rc[:].map_async(int, "1xy2"),
    ):
        first, later = result.exception(), result.exception()
        assert isinstance(first, ValueError)
        assert first is later
        with pytest.raises(ValueError, match="invalid literal") as caught:
            result.get()
        assert caught.value is first
        one, another = (result.get(return_exceptions=True) for _ in range(2))
        assert one is another if isinstance(one, BaseException) else all(map(operator.is_, one, another))


def test_results_are_taken_one_by_one_while_others_run(rc: Client, fake: FakeController) -> None:
    fake.holding = True
    result = rc.load_balanced_view().map_async(abs, [-1, -2, -3], chunksize=1)
    fake.answer(2)
    items = iter(result)
    assert [next(items), next(items)] == [1, 2]
    assert not result.done()
    assert result.progress == 2
    fake.answer()
    assert next(items) == 3
    assert result[1] == 2
    assert result[1:] == [2, 3]


def test_unordered_iteration_takes_what_comes_first(rc: Client, fake: FakeController) -> None:
    fake.holding = True
    result = rc.load_balanced_view().map_async(abs, [-1, -2], chunksize=1, ordered=False)
    assert wait_until(lambda: len(fake.held) == 2)
    fake.held.reverse()
    fake.answer(2)
    assert list(result) == [2, 1]
    assert result.get() == [1, 2]


def test_first_completed_and_first_exception(rc: Client, fake: FakeController) -> None:
    fake.holding = True
    result = rc.load_balanced_view().map_async(int, ["1", "x", "3"], chunksize=1)
    fake.answer(1)
    done, pending = result.wait(5, return_when=FIRST_COMPLETED)
    assert (len(done), len(pending)) == (1, 2)
    fake.answer(1)
    with pytest.raises(er.CompositeError):
        result.get(5, return_when=FIRST_EXCEPTION)
    assert not result.done()
    fake.answer()
    assert concurrent.futures.wait(pending, 5).not_done == set()


def test_the_futures_api_of_the_standard_library(rc: Client, fake: FakeController) -> None:
    view = rc.load_balanced_view()
    fake.holding = True
    futures = [view.apply_async(abs, -number) for number in range(3)]
    done, not_done = concurrent.futures.wait(futures, 0.01)
    assert (done, not_done) == (set(), set(futures))
    fake.answer(3)
    assert sorted(future.result() for future in concurrent.futures.as_completed(futures, 5)) == [0, 1, 2]


def test_callbacks_run_in_a_thread_of_their_own_where_they_may_wait(rc: Client, fake: FakeController) -> None:
    view = rc.load_balanced_view()
    seen: list[object] = []
    fake.holding = True
    result = view.apply_async(abs, -1)

    def follow(future: er.AsyncResult) -> None:
        fake.holding = False
        seen.extend((threading.current_thread().name, view.apply_sync(abs, -future.result() - 1)))

    result.add_done_callback(follow)
    fake.answer()
    assert wait_until(lambda: len(seen) == 2)
    assert seen == ["engineroom-callbacks", 2]
    result.add_done_callback(lambda future: seen.append(future.result()))
    assert seen[-1] == 1


def test_it_can_be_awaited_and_wrapped(rc: Client, fake: FakeController) -> None:
    view = rc.load_balanced_view()

    async def main() -> tuple[int, int, int]:
        fake.holding = True
        waiting = view.apply_async(abs, -1)
        asyncio.get_running_loop().run_in_executor(None, fake.answer)
        first = await waiting
        fake.holding = False
        return first, await view.apply_async(abs, -2), await asyncio.wrap_future(view.apply_async(abs, -3))

    assert asyncio.run(main()) == (1, 2, 3)


def test_cancel_withdraws_the_task(rc: Client, fake: FakeController) -> None:
    fake.holding = True
    result = rc.load_balanced_view().apply_async(abs, -1)
    assert wait_until(lambda: fake.held)
    assert result.cancel()
    assert result.cancelled()
    assert wait_until(lambda: not fake.held)
    with pytest.raises(concurrent.futures.CancelledError):
        result.get()


def test_abort_ends_in_task_aborted(rc: Client, fake: FakeController) -> None:
    fake.holding = True
    result = rc.load_balanced_view().apply_async(abs, -1)
    result.abort()
    with pytest.raises(er.TaskAborted):
        result.get(SECONDS)
    assert result.metadata.status == "aborted"


@pytest.mark.parametrize(
    ("ended", "status"),
    [
        (Outcome(Status.DEPENDENCY, 0.0, 0.0, "ImpossibleDependency: a task that it follows failed"), "error"),
        (Outcome(Status.NO_ENGINE, 0.0, 0.0, "there are no engines left"), "lost"),
        (Outcome(Status.LOST, 0.0, 0.0, "engine 0 died"), "lost"),
        (Outcome(Status.OVERDUE, 1000.0, 0.5, "it took longer than 0.5 s"), "error"),
    ],
)
def test_metadata_of_tasks_that_ended_without_a_result(
    rc: Client, fake: FakeController, ended: Outcome, status: str
) -> None:
    fake.holding = True
    result = rc.load_balanced_view().apply_async(abs, -1)
    assert wait_until(lambda: fake.held)
    fake.do(lambda: fake.result(fake.held[0][0].task, ended))
    with pytest.raises(er.EngineroomError):
        result.get(SECONDS)
    assert result.metadata.status == status
    assert result.timeline()._repr_html_()


def test_metadata_are_items_and_attributes(rc: Client) -> None:
    single, several = rc[1].apply_async(abs, -1), rc[:].apply_async(abs, -1)
    several.get()
    single.get()
    assert single.engine_id == single["engine_id"] == single.metadata.engine_id == 1
    assert several.engine_id == [0, 1]
    assert single.metadata["completed"] - single.metadata["started"] == single.completed - single.started
    assert single.msg_ids == [single.msg_id]
    assert several.get_dict() == {0: 1, 1: 1}
    assert several.serial_time == 1.0
    assert several.wall_time >= several.elapsed - 1e-6
    assert single.stdout == ""
    with pytest.raises(AttributeError):
        _ = single.no_such_thing
    with pytest.raises(KeyError):
        single["no_such_thing"]


class Shy:
    """What can't be unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return _refuse, ()


def _refuse() -> None:
    raise OSError("not here")


def test_a_result_that_cannot_be_opened_here_is_the_tasks_error(rc: Client) -> None:
    result = rc.load_balanced_view().apply_async(Shy)
    with pytest.raises(OSError, match="not here") as caught:
        result.get()
    assert "unpickled" in caught.value.__notes__[0]
    assert isinstance(result.exception(), OSError)


def test_a_single_result_is_indexed_but_not_iterated(rc: Client) -> None:
    result = rc[0].apply_async(list, "abc")
    assert result[1] == "b"
    with pytest.raises(TypeError, match="a single result"):
        iter(result)
