"""What waits for a peer that does not read is bounded; others notice nothing, and nothing is lost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from engineroom.protocol.messages import Answer, Join, Outcome, Output, Result
from engineroom.transport.connection import Connection
from engineroom.transport.dial import connect
from tests.transport.conftest import Door, Inbox

HIGH = 256 * 1024
TEXT = "x" * 50_000


async def a_client_that_does_not_read(door: Door) -> tuple[Connection, Connection, Inbox, list[bool]]:
    """Return the controller's end and the client's, what the client gets, and what is said of it."""
    connection, _ = await connect(door.info, role="client", join=Join(proof=b"", identity=b"i" * 16))
    inbox = Inbox()
    connection.start(inbox)
    inside = door.inside[0][0]
    said: list[bool] = []
    inside.backlog.bound(HIGH, cut_at=100 * HIGH, on_behind=said.append)
    connection.transport.pause_reading()
    return inside, connection, inbox, said


def buffered(connection: Connection) -> int:
    return connection.transport.get_write_buffer_size()


async def send_ticks(connection: Connection, messages: list[Any], each: int = 10) -> None:
    """Send `messages`, some in each tick of the loop."""
    for start in range(0, len(messages), each):
        connection.send_all(messages[start : start + each])
        await asyncio.sleep(0)


@pytest.mark.parametrize("transport", ["unix", "tls"])
def test_results_wait_as_they_are_and_all_arrive_in_order(
    open_door: Any, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    monkeypatch.setenv("ENGINEROOM_TRANSPORT", transport)
    payload = b"r" * 50_000
    results = [Result(n.to_bytes(24), 0, Outcome(0, 0.0, 0.0), payload) for n in range(1, 1001)]

    async def story() -> None:
        async with open_door() as door:
            inside, connection, inbox, said = await a_client_that_does_not_read(door)
            await send_ticks(inside, results)
            assert buffered(inside) < 10 * HIGH, "far more than the bound has been copied"
            assert said == [], "results are bounded elsewhere"

            connection.transport.resume_reading()
            await inbox.until(lambda: len(inbox.messages) == len(results))
            assert inbox.messages == results
            connection.close()

    asyncio.run(story())


def test_who_causes_the_rest_is_told_and_told_again_when_it_is_read(open_door: Any) -> None:
    outputs = [Output(b"t" * 24, 1, 1, n, TEXT) for n in range(400)]

    async def story() -> None:
        async with open_door() as door:
            inside, connection, inbox, said = await a_client_that_does_not_read(door)
            await send_ticks(inside, outputs)
            assert said == [True]

            connection.transport.resume_reading()
            await inbox.until(lambda: len(inbox.messages) == len(outputs))
            assert inbox.messages == outputs
            assert said == [True, False]
            connection.close()

    asyncio.run(story())


def test_one_that_never_reads_is_disconnected_in_the_end(open_door: Any) -> None:
    async def story() -> None:
        async with open_door() as door:
            inside, connection, _, _ = await a_client_that_does_not_read(door)
            inside.backlog.bound(HIGH, cut_at=4 * HIGH)
            for number in range(1000):
                await send_ticks(inside, [Answer(number, error=TEXT)])
            await door.inside[0][3].until(lambda: bool(door.inside[0][3].closed))
            assert door.inside[0][3].closed == [("it has not read what was sent to it", False)]
            connection.close()

    asyncio.run(story())


def test_a_stream_is_never_ahead_of_the_message_that_names_it(open_door: Any) -> None:
    data = b"d" * 1_000_000

    async def story() -> None:
        async with open_door() as door:
            inside, connection, inbox, _ = await a_client_that_does_not_read(door)
            received = []

            def on_message(message: Any) -> None:
                if isinstance(message, Result):
                    payload = connection.receive(message.body)
                    payload.watch(inbox._changed.set)
                    received.append(payload)

            inbox.on_message = on_message
            await send_ticks(inside, [Output(b"t" * 24, 1, 1, n, TEXT) for n in range(400)])
            stream = inside.open_stream([data])
            inside.send(Result(b"t" * 24, 0, Outcome(0, 0.0, 0.0), stream))
            connection.transport.resume_reading()
            await inbox.until(lambda: bool(received) and received[0].complete)
            assert received[0].buffer() == data
            connection.close()

    asyncio.run(story())


def test_what_waits_is_written_before_a_goodbye(open_door: Any) -> None:
    outputs = [Output(b"t" * 24, 1, 1, n, TEXT) for n in range(400)]

    async def story() -> None:
        async with open_door() as door:
            inside, connection, inbox, _ = await a_client_that_does_not_read(door)
            await send_ticks(inside, outputs)
            inside.close("enough")
            connection.transport.resume_reading()
            await inbox.until(lambda: bool(inbox.closed))
            assert inbox.messages == outputs

    asyncio.run(story())
