"""Submitting above the bound waits, except where a wait would stop an event loop; there, room can be awaited."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from engineroom.client.client import Client
from engineroom.errors import ConnectionFailed
from tests.conftest import wait_until
from tests.unit.client.fake_controller import FakeController, connected

LARGE = b"x" * 60_000
WORDS = r"max_unfinished_bytes \(100,000 bytes\).*`await rc.room\(\)`"


@pytest.fixture
def small(fake: FakeController) -> Any:
    fake.holding = True
    with connected(fake, max_unfinished_bytes=100_000) as rc:
        yield rc


async def fill(rc: Client, count: int) -> list[Any]:
    view = rc.load_balanced_view()
    made = []
    for _ in range(count):
        await rc.room(len(LARGE) + 1000)
        made.append(view.apply_async(len, LARGE))
    return [await each for each in made]


def test_a_coroutine_is_told_to_await_room(small: Client) -> None:
    async def story() -> None:
        view = small.load_balanced_view()
        view.apply_async(len, LARGE)
        with pytest.raises(BufferError, match=WORDS):
            view.apply_async(len, LARGE)
        loop = asyncio.get_running_loop()
        raised: asyncio.Future[BaseException] = loop.create_future()

        def callback() -> None:
            try:
                view.apply_async(len, LARGE)
            except BufferError as error:
                raised.set_result(error)

        loop.call_soon(callback)
        assert "await rc.room()" in str(await raised)

    asyncio.run(story())


def test_a_call_that_waits_for_room_says_so_once(fake: FakeController, caplog: pytest.LogCaptureFixture) -> None:
    fake.holding = True
    said = "unfinished tasks hold more than max_unfinished_bytes (100,000 bytes): further calls are submitted when"

    def told() -> list[str]:
        return [record.message for record in caplog.records if said in record.message]

    with connected(fake, patience=0.02, max_unfinished_bytes=100_000) as rc:
        view = rc.load_balanced_view()
        view.apply_async(len, LARGE)
        waiter = threading.Thread(target=lambda: wait_until(lambda: told()) and fake.do(fake.go_on))
        waiter.start()
        for _ in range(2):
            view.apply_async(len, LARGE)
        waiter.join()
    assert len(told()) == 1


def test_room_comes_when_tasks_end(small: Client, fake: FakeController) -> None:
    async def story() -> list[Any]:
        filling = asyncio.ensure_future(fill(small, 4))
        await asyncio.to_thread(wait_until, lambda: fake.held)
        assert not filling.done()
        fake.do(fake.go_on)
        return await filling

    assert asyncio.run(story()) == [len(LARGE)] * 4


def test_who_awaits_room_is_told_when_the_session_ends(small: Client) -> None:
    async def story() -> None:
        filling = asyncio.ensure_future(fill(small, 2))
        await asyncio.sleep(0)
        await asyncio.to_thread(small.close)
        with pytest.raises(ConnectionFailed):
            await filling

    asyncio.run(story())


def test_small_calls_are_awaited_as_ever(rc: Client) -> None:
    async def story() -> list[Any]:
        await rc.room()
        view = rc.load_balanced_view()
        return list(await asyncio.gather(*[view.apply_async(abs, -number) for number in range(20)]))

    assert asyncio.run(story()) == list(range(20))


def test_a_notebooks_plain_cell_waits_as_a_script_does(small: Client, fake: FakeController) -> None:
    """The kernel's loop runs around it, and would run on only after it."""
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    view = small.load_balanced_view()
    shell.user_ns.update(view=view, LARGE=LARGE)
    answering = threading.Thread(target=lambda: wait_until(lambda: fake.held) and fake.do(fake.go_on))

    async def kernel() -> tuple[Any, Any]:
        view.apply_async(len, LARGE)
        answering.start()
        code = "found = view.apply_async(len, LARGE).get(60)"
        plain = await shell.run_cell_async(code, transformed_cell=code)
        fake.holding = True
        view.apply_async(len, LARGE)
        code = "async def submit():\n    view.apply_async(len, LARGE)\nawait submit()"
        waits = await shell.run_cell_async(code, transformed_cell=code)
        return plain, waits

    plain, waits = asyncio.run(kernel())
    answering.join()
    assert plain.error_in_exec is None
    assert shell.user_ns["found"] == len(LARGE)
    assert isinstance(waits.error_in_exec, BufferError)
