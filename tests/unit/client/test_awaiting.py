"""Results in event loops: awaited, iterated, gathered, cancelled."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

import engineroom as er
from engineroom.client.client import Client
from tests.conftest import wait_until
from tests.patience import SECONDS
from tests.unit.client.fake_controller import FakeController


async def there(condition: Callable[[], object]) -> None:
    """Return once `condition()` is true."""
    assert await asyncio.to_thread(wait_until, condition)


async def first_of(items: AsyncIterator[Any], fake: FakeController) -> Any:
    """Return the next item, which arrives only while it is waited for."""
    waiting = asyncio.ensure_future(anext(items))
    await asyncio.sleep(0)
    assert not waiting.done()
    fake.answer()
    return await waiting


async def collect(items: Any, seen: list[Any]) -> None:
    async for item in items:
        seen.append(item)  # noqa: PERF401 (an error ends the loop)


def test_items_of_a_map_come_in_order_while_others_run(rc: Client, fake: FakeController) -> None:
    async def story() -> list[int]:
        fake.holding = True
        items = aiter(rc.load_balanced_view().map_async(abs, [-1, -2, -3], chunksize=1))
        return [await first_of(items, fake) for _ in range(3)] + [item async for item in items]

    assert asyncio.run(story()) == [1, 2, 3]


def test_items_come_as_they_arrive(rc: Client, fake: FakeController) -> None:
    async def story() -> list[int]:
        fake.holding = True
        result = rc.load_balanced_view().map_async(abs, [-1, -2, -3], chunksize=1, ordered=False)
        await there(lambda: len(fake.held) == 3)
        fake.held.reverse()
        fake.answer(3)
        return [item async for item in result]

    assert asyncio.run(story()) == [3, 2, 1]


FORMS: dict[str, Callable[[Client], Any]] = {
    "a list of targets": lambda rc: rc[:].apply_async(abs, -1),
    "a map of a direct view": lambda rc: rc[:].map_async(abs, [-1, -1]),
    "joined results": lambda rc: er.AsyncResult.join(rc[0].apply_async(abs, -1), rc[[1]].apply_async(abs, -1)),
    "a gather": lambda rc: rc[:].gather("name"),
    "imap": lambda rc: rc.load_balanced_view().imap(abs, [-1, -1]),
    "imap as they come": lambda rc: rc.load_balanced_view().imap(abs, [-1, -1], ordered=False),
    "an executor's map": lambda rc: rc.executor().map(abs, [-1, -1]),
    "an executor's map, bounded": lambda rc: rc.executor().map(abs, [-1, -1], buffersize=1),
}


@pytest.mark.parametrize("form", FORMS)
def test_whatever_can_be_iterated_can_be_in_a_loop(rc: Client, fake: FakeController, form: str) -> None:
    rc[:].push({"name": [1]}, block=True)

    async def story() -> list[int]:
        fake.holding = True
        several = FORMS[form](rc)
        going_on = asyncio.ensure_future(asyncio.to_thread(fake.go_on))  # starts only if the loop is not kept waiting
        found = [item async for item in several]
        await going_on
        return found

    assert asyncio.run(story()) == [1, 1]


def test_a_single_result_cannot_be_iterated(rc: Client) -> None:
    with pytest.raises(TypeError, match=r"single result; use get\(\)"):
        aiter(rc[0].apply_async(abs, -1))


def test_an_error_comes_in_its_turn(rc: Client) -> None:
    async def story() -> list[Any]:
        seen: list[Any] = []
        with pytest.raises(ValueError, match="invalid literal"):
            await collect(rc.load_balanced_view().map_async(int, ["1", "x"], chunksize=1), seen)
        return seen

    assert asyncio.run(story()) == [1]


WAITS: dict[str, Callable[[er.AsyncResult[Any]], Awaitable[Any]]] = {
    "wait_for": lambda result: asyncio.wait_for(result, 0.05),
    "gather": lambda result: asyncio.wait_for(asyncio.gather(result), 0.05),
    "shielded not": lambda result: asyncio.wait_for(asyncio.ensure_future(_await(result)), 0.05),
    "async for": lambda result: asyncio.wait_for(_iterate(result), 0.05),
    "async for, joined": lambda result: asyncio.wait_for(_iterate(er.AsyncResult.join(result)), 0.05),
}


async def _await(result: er.AsyncResult[Any]) -> Any:
    return await result


async def _iterate(result: er.AsyncResult[Any]) -> None:
    async for _ in result:
        pass


@pytest.mark.parametrize("wait", WAITS)
def test_a_coroutine_that_waits_no_longer_withdraws_the_task(rc: Client, fake: FakeController, wait: str) -> None:
    async def story() -> er.AsyncResult[Any]:
        fake.holding = True
        result = rc.load_balanced_view().map_async(abs, [-1])
        with pytest.raises(asyncio.TimeoutError):
            await WAITS[wait](result)
        return result

    result = asyncio.run(story())
    assert result.cancelled()
    assert wait_until(lambda: not fake.held)


def test_a_shield_protects_the_task(rc: Client, fake: FakeController) -> None:
    async def story() -> int:
        fake.holding = True
        result = rc.load_balanced_view().apply_async(abs, -1)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.shield(result), 0.05)
        fake.answer()
        return await result

    assert asyncio.run(story()) == 1


def test_what_somebody_else_cancels_ends_its_waits_as_in_asyncio(rc: Client, fake: FakeController) -> None:
    async def story() -> None:
        fake.holding = True
        result = rc.load_balanced_view().map_async(abs, [-1])
        waiting = asyncio.ensure_future(_await(result)), asyncio.ensure_future(_iterate(result))
        await there(lambda: fake.held)
        result.cancel()
        for each in waiting:
            with pytest.raises(asyncio.CancelledError):
                await each
        with pytest.raises(asyncio.CancelledError):
            await result
        with pytest.raises(concurrent.futures.CancelledError):
            result.get()

    asyncio.run(story())


def test_several_loops_may_wait_for_the_same_results(rc: Client, fake: FakeController) -> None:
    fake.holding = True
    results = [rc.load_balanced_view().apply_async(abs, -number) for number in range(50)]
    found: list[list[int]] = []

    async def gathered() -> None:
        found.append(list(await asyncio.gather(*results)))

    threads = [threading.Thread(target=lambda: asyncio.run(gathered())) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert wait_until(lambda: len(fake.held) == 50 and all(len(result._watchers or ()) == 3 for result in results))
    fake.answer(50)
    for thread in threads:
        thread.join(SECONDS)
    assert found == [list(range(50))] * 3


def test_a_loop_that_was_closed_keeps_no_results_from_others(rc: Client, fake: FakeController) -> None:
    fake.holding = True
    left, other = (rc.load_balanced_view().apply_async(abs, -1) for _ in range(2))
    loop = asyncio.new_event_loop()
    waiting = loop.create_task(_await(left))
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    fake.answer(2)
    assert (left.get(SECONDS), other.get(SECONDS)) == (1, 1)
    with pytest.raises(RuntimeError):
        waiting.get_coro().throw(RuntimeError)  # type: ignore[union-attr]  # it is ended, so that nobody warns of it


def test_results_that_arrive_together_wake_a_loop_once(rc: Client, fake: FakeController) -> None:
    async def story() -> int:
        fake.holding = True
        loop, woken = asyncio.get_running_loop(), 0
        call = loop.call_soon_threadsafe

        def counted(*args: Any, **options: Any) -> Any:
            nonlocal woken
            woken += 1
            return call(*args, **options)

        results = [rc.load_balanced_view().apply_async(abs, -number) for number in range(200)]
        waiting = asyncio.gather(*results)
        await there(lambda: len(fake.held) == 200)
        loop.call_soon_threadsafe = counted  # type: ignore[method-assign]
        fake.answer(200)
        assert await waiting == list(range(200))
        return woken

    assert asyncio.run(story()) < 20


def test_asyncio_waits_for_results_as_for_any_other_future(rc: Client, fake: FakeController) -> None:
    view = rc.load_balanced_view()

    async def story() -> tuple[list[int], list[Any]]:
        results = [view.apply_async(abs, -number) for number in range(3)]
        as_completed = sorted([await each for each in asyncio.as_completed(results)])
        failed = await asyncio.gather(view.apply_async(int, "1"), view.apply_async(int, "x"), return_exceptions=True)
        return as_completed, failed

    completed, (fine, failed) = asyncio.run(story())
    assert (completed, fine) == ([0, 1, 2], 1)
    assert isinstance(failed, ValueError)


def test_a_map_that_returns_its_errors_does_so_however_it_is_read(rc: Client) -> None:
    result = rc.load_balanced_view().map_async(int, ["1", "x"], return_exceptions=True)

    async def story() -> tuple[Any, ...]:
        return await result, [item async for item in result]

    awaited, iterated = asyncio.run(story())
    assert awaited == iterated == result.get() == result.result() == list(result)
    assert isinstance(awaited[1], ValueError)
    assert result.exception() is None
