"""A lone message may pass the loop; nothing is lost, torn or reordered by that."""

from __future__ import annotations

import asyncio
import os
import socket
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


def test_what_the_far_end_wrote_before_it_left_is_read_though_it_reads_nothing_any_more(open_door: Any) -> None:
    async def story() -> None:
        async with open_door() as door:
            connection, _ = await connect(door.info, role="client", join=JOIN)
            connection.start(Inbox())
            inside, _, _, inbox = door.inside[0]
            for number in range(100):
                connection.send(Ask(number, AskSteps()))
            connection.flush()
            with socket.socket(fileno=os.dup(connection.transport.get_extra_info("socket").fileno())) as sock:
                sock.shutdown(socket.SHUT_RDWR)
            inside.send(Shutdown())
            inside.flush()  # before anything is read here
            await inbox.until(lambda: inbox.closing is not None)
            assert [ask.number for ask in inbox.messages] == list(range(100))

    asyncio.run(story())
