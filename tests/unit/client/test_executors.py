"""A view as an executor does what the standard library's executors are documented to do (Python 3.14)."""

from __future__ import annotations

import asyncio
import concurrent.futures
import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION, Executor, Future
from typing import Any

import pytest

import engineroom as er
from engineroom.client.client import Client
from tests.conftest import wait_until
from tests.patience import SECONDS
from tests.unit.client.fake_controller import FakeController

WAYS: dict[str, Callable[[Client], er.ViewExecutor]] = {
    "rc.executor": lambda rc: rc.executor,
    "rc.executor()": lambda rc: rc.executor(),  # type: ignore[return-value]
    "rc.executor(targets)": lambda rc: rc.executor([0, 1]),  # type: ignore[return-value]
    "view.executor": lambda rc: rc.load_balanced_view().executor,
    "view.executor()": lambda rc: rc.load_balanced_view().executor(),  # type: ignore[return-value]
    "of one engine": lambda rc: rc[0].executor,
}


@pytest.fixture
def pool(rc: Client) -> er.ViewExecutor:
    return rc.executor


@pytest.mark.parametrize("way", WAYS)
def test_it_is_an_executor(rc: Client, way: str) -> None:
    with WAYS[way](rc) as pool:
        assert isinstance(pool, Executor)
        future = pool.submit(pow, 2, 5)
        assert isinstance(future, Future)
        assert (future.result(), future.exception(), future.done(), future.running()) == (32, None, True, False)
        assert list(pool.map(pow, [2, 3], [3, 2])) == [8, 9]


def test_a_view_has_its_executor_and_an_executor_its_view(rc: Client) -> None:
    view = rc.load_balanced_view()
    assert view.executor.view is view
    assert view.executor().view is view  # type: ignore[union-attr]


def named(**given: Any) -> list[str]:
    return sorted(given)


def test_every_name_can_be_an_argument_of_the_function(pool: er.ViewExecutor) -> None:
    names = {"self": 1, "fn": 2, "f": 3, "block": 4, "targets": 5, "timeout": 6, "func": 7, "args": 8, "kwargs": 9}
    assert pool.submit(named, **names).result() == sorted(names)


def test_an_error_is_its_futures(pool: er.ViewExecutor) -> None:
    future = pool.submit(int, "x")
    assert isinstance(future.exception(SECONDS), ValueError)
    with pytest.raises(ValueError, match="invalid literal"):
        future.result(SECONDS)


def test_results_that_are_late_time_out(pool: er.ViewExecutor, fake: FakeController) -> None:
    fake.holding = True
    future = pool.submit(abs, -1)
    for wait in (future.result, future.exception):
        with pytest.raises(TimeoutError):
            wait(timeout=0.01)
        with pytest.raises(TimeoutError):
            wait(0)
    with pytest.raises(TimeoutError, match="2 \\(of 2\\) futures unfinished"):
        list(concurrent.futures.as_completed([future, pool.submit(abs, -2)], 0.01))


def test_cancelled_futures_are_cancelled(pool: er.ViewExecutor, fake: FakeController) -> None:
    fake.holding = True
    future, called = pool.submit(abs, -1), threading.Event()
    future.add_done_callback(lambda _: called.set())
    assert future.cancel()
    assert future.cancel()
    assert (future.cancelled(), future.done(), future.running()) == (True, True, False)
    for wait in (future.result, future.exception):
        with pytest.raises(concurrent.futures.CancelledError):
            wait(timeout=0)
    assert called.wait(SECONDS)
    fake.go_on()
    done = pool.submit(abs, -1)
    done.result()
    assert not done.cancel()


def test_callbacks_are_called_in_order_and_their_errors_are_logged(
    pool: er.ViewExecutor, fake: FakeController, caplog: pytest.LogCaptureFixture
) -> None:
    fake.holding = True
    future, seen = pool.submit(abs, -1), []
    future.add_done_callback(lambda _: seen.append(1))
    future.add_done_callback(lambda _: 1 // 0)  # type: ignore[arg-type, return-value]
    future.add_done_callback(lambda done: seen.append(done.result() + 1))
    fake.go_on()
    assert wait_until(lambda: seen == [1, 2])
    future.add_done_callback(lambda _: seen.append(3))
    assert seen == [1, 2, 3]
    assert "ZeroDivisionError" in caplog.text


def test_waiting_for_some(pool: er.ViewExecutor, fake: FakeController) -> None:
    fake.holding = True
    futures = [pool.submit(int, text) for text in ("1", "x", "3")]
    fake.answer()
    assert concurrent.futures.wait(futures, SECONDS, FIRST_COMPLETED).done == {futures[0]}
    fake.answer()
    assert concurrent.futures.wait(futures, SECONDS, FIRST_EXCEPTION).done == set(futures[:2])
    fake.answer()
    assert concurrent.futures.wait(futures, SECONDS, ALL_COMPLETED).done == set(futures)
    assert set(concurrent.futures.as_completed([*futures, futures[0]])) == set(futures)


def test_waiting_for_futures_of_several_kinds(pool: er.ViewExecutor) -> None:
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        futures = [pool.submit(abs, -1), threads.submit(abs, -2)]
        assert sorted(each.result() for each in concurrent.futures.as_completed(futures)) == [1, 2]


@pytest.mark.parametrize("options", [{}, {"buffersize": 1}, {"buffersize": 2}, {"chunksize": 1}, {"chunksize": 100}])
def test_map_yields_in_order_up_to_the_shortest(pool: er.ViewExecutor, options: dict[str, Any]) -> None:
    found = pool.map(pow, range(10), [2] * 7, **options)
    assert iter(found) is found
    assert list(found) == [number**2 for number in range(7)]
    assert list(pool.map(abs, [], **options)) == []
    assert list(pool.map(abs, **options)) == []


@pytest.mark.parametrize("options", [{}, {"buffersize": 2}, {"chunksize": 1}])
def test_an_error_ends_a_map_in_its_turn(pool: er.ViewExecutor, options: dict[str, Any]) -> None:
    found = pool.map(int, ["1", "x", "3", "4"], **options)
    assert next(found) == 1
    with pytest.raises(ValueError, match="invalid literal"):
        next(found)
    assert list(found) == []


@pytest.mark.parametrize("options", [{}, {"buffersize": 2}, {"chunksize": 1}])
def test_a_map_takes_its_time_from_the_call_on(
    pool: er.ViewExecutor, fake: FakeController, options: dict[str, Any]
) -> None:
    fake.holding = True
    found = pool.map(abs, [-1, -2], timeout=0.01, **options)
    with pytest.raises(TimeoutError):
        next(found)
    assert wait_until(lambda: not fake.held)
    assert list(found) == []


def counted(taken: list[int]) -> Iterator[int]:
    for number in itertools.count():
        taken.append(number)
        yield number


def test_buffersize_bounds_what_is_read_ahead(pool: er.ViewExecutor) -> None:
    taken: list[int] = []
    found = pool.map(abs, counted(taken), buffersize=3)
    assert len(taken) == 3
    assert [next(found) for _ in range(10)] == list(range(10))
    assert len(taken) <= 13
    del found


def test_without_buffersize_all_is_submitted_at_once(pool: er.ViewExecutor, fake: FakeController) -> None:
    fake.holding = True
    read: list[int] = []
    found = pool.map(abs, (read.append(number) or number for number in range(5)), chunksize=1)
    assert read == list(range(5))
    assert wait_until(lambda: len(fake.held) == 5)
    fake.go_on()
    assert list(found) == list(range(5))


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"buffersize": 0}, ValueError, "buffersize must be None or > 0"),
        ({"buffersize": -1}, ValueError, "buffersize must be None or > 0"),
        ({"buffersize": 1.5}, TypeError, "buffersize must be an integer or None"),
        ({"buffersize": "3"}, TypeError, "buffersize must be an integer or None"),
        ({"chunksize": 0}, ValueError, "chunksize must be >= 1"),
        ({"chunksize": "2"}, TypeError, "chunksize must be an integer or None"),
        ({"timeout": "soon"}, TypeError, "timeout must be a number of seconds or None"),
    ],
)
def test_wrong_options_of_map_are_refused_at_the_call(
    pool: er.ViewExecutor, options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        pool.map(abs, [1], **options)


def test_a_map_left_early_cancels_what_has_not_started(pool: er.ViewExecutor, fake: FakeController) -> None:
    fake.holding = True
    found = pool.map(abs, [-1, -2, -3], chunksize=1)
    assert wait_until(lambda: len(fake.held) == 3)
    fake.answer()
    assert next(found) == 1
    del found
    assert wait_until(lambda: not fake.held)


def test_after_shutdown_nothing_is_taken(pool: er.ViewExecutor) -> None:
    future = pool.submit(abs, -1)
    pool.shutdown()
    pool.shutdown()
    assert future.done()
    for call in (lambda: pool.submit(abs, 1), lambda: pool.map(abs, [1]), lambda: pool.map(abs, [1], buffersize=1)):
        with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
            call()


def test_shutdown_without_wait_lets_futures_end(pool: er.ViewExecutor, fake: FakeController) -> None:
    fake.holding = True
    future = pool.submit(abs, -1)
    pool.shutdown(wait=False)
    assert not future.done()
    fake.go_on()
    assert future.result(SECONDS) == 1


@pytest.mark.parametrize("wait", [True, False])
def test_shutdown_cancels_what_has_not_started(pool: er.ViewExecutor, fake: FakeController, *, wait: bool) -> None:
    fake.holding = True
    futures = [pool.submit(abs, -1) for _ in range(3)]
    mapped = pool.map(abs, [1, 2])
    assert wait_until(lambda: fake.held)
    pool.shutdown(wait=wait, cancel_futures=True)
    assert all(future.cancelled() for future in futures)
    with pytest.raises(concurrent.futures.CancelledError):
        next(mapped)


def test_the_end_of_a_with_block_waits(pool: er.ViewExecutor, fake: FakeController) -> None:
    fake.holding = True
    futures: list[Future[int]] = []

    def fail_within() -> None:
        with pool:
            futures.append(pool.submit(abs, -1))
            threading.Thread(target=fake.go_on).start()
            raise KeyError

    with pytest.raises(KeyError):
        fail_within()
    assert futures[0].done()


def test_what_has_ended_is_forgotten_behind_one_that_lasts(pool: er.ViewExecutor, fake: FakeController) -> None:
    fake.holding = True
    lasting = pool.submit(abs, -1)
    assert wait_until(lambda: fake.held)
    fake.holding = False
    for number in range(1000):
        pool.submit(abs, -number).result()
    assert len(pool._pending) < 300
    pool.shutdown(wait=False)
    fake.go_on()
    assert lasting.result(SECONDS) == 1


def test_loops_run_functions_in_it(pool: er.ViewExecutor) -> None:
    async def story() -> tuple[Any, ...]:
        loop = asyncio.get_running_loop()
        wrapped = await asyncio.wrap_future(pool.submit(abs, -1))
        both = await asyncio.gather(loop.run_in_executor(pool, abs, -2), loop.run_in_executor(pool, pow, 2, 3))
        with pytest.raises(ValueError, match="invalid literal"):
            await loop.run_in_executor(pool, int, "x")
        return wrapped, *both

    assert asyncio.run(story()) == (1, 2, 8)


def test_a_loop_that_gives_up_cancels(pool: er.ViewExecutor, fake: FakeController) -> None:
    async def story() -> None:
        fake.holding = True
        loop = asyncio.get_running_loop()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(loop.run_in_executor(pool, abs, -1), 0.02)

    asyncio.run(story())
    assert wait_until(lambda: not fake.held)


def test_threads_share_an_executor(pool: er.ViewExecutor) -> None:
    found: list[int] = []

    def use() -> None:
        found.extend(pool.submit(abs, -number).result() for number in range(50))

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert sorted(found) == sorted([*range(50)] * 4)
