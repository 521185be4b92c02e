"""A lone message may pass the loop; nothing is lost, torn or reordered by that."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from engineroom.protocol.messages import Ask, Join, Shutdown
from engineroom.protocol.questions import AskSteps
from engineroom.transport.dial import connect
from tests.transport.conftest import Inbox

JOIN = Join(proof=b"", identity=b"i" * 16)


@pytest.mark.parametrize("transport", ["unix", "tls"])
def test_messages_of_several_threads_all_arrive_whole(
    open_door: Any, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    monkeypatch.setenv("ENGINEROOM_TRANSPORT", transport)
    count, long = 300, "x" * 16_000

    async def story() -> None:
        async with open_door() as door:
            connection, _ = await connect(door.info, role="client", join=JOIN)
            connection.start(Inbox())
            _, _, _, inbox = door.inside[0]
            loop = asyncio.get_running_loop()

            def talk(thread: int) -> None:
                for number in range(count):
                    message = Shutdown((thread, number), reason=long if number % 50 == 0 else "")
                    if not connection.write_now(message):
                        loop.call_soon_threadsafe(connection.send, message)

            threads = [threading.Thread(target=talk, args=(thread,)) for thread in range(3)]
            for thread in threads:
                thread.start()
            await inbox.until(lambda: len(inbox.messages) == 3 * count)
            for thread in threads:
                thread.join()
            for thread_number in range(3):
                numbers = {said.engines[1] for said in inbox.messages if said.engines[0] == thread_number}
                assert numbers == set(range(count))
            assert all(len(said.reason) == (16_000 if said.engines[1] % 50 == 0 else 0) for said in inbox.messages)
            connection.close()

    asyncio.run(story())


@pytest.mark.parametrize("transport", ["unix", "tls"])
def test_while_the_loop_has_something_to_write_others_wait(
    open_door: Any, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    monkeypatch.setenv("ENGINEROOM_TRANSPORT", transport)

    async def story() -> None:
        async with open_door() as door:
            connection, _ = await connect(door.info, role="client", join=JOIN)
            connection.start(Inbox())
            assert connection.write_now(Ask(1, AskSteps()))
            connection.send(Ask(2, AskSteps()))
            assert not connection.write_now(Ask(3, AskSteps()))
            connection.flush()
            assert connection.write_now(Ask(3, AskSteps()))
            _, _, _, inbox = door.inside[0]
            await inbox.until(lambda: [ask.number for ask in inbox.messages] == [1, 2, 3])
            connection.close()
            await inbox.until(lambda: bool(inbox.closed))
            assert not connection.write_now(Ask(4, AskSteps()))

    asyncio.run(story())
