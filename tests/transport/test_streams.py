"""Long payloads flow beside short messages, over every kind of connection."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from engineroom.protocol.messages import Ask, Call, Function, Join, Kind, Stream, Submit
from engineroom.protocol.questions import AskSteps
from engineroom.protocol.streams import Payload
from engineroom.transport.connection import Connection
from engineroom.transport.dial import connect
from engineroom.transport.memory import memory_pair
from tests.transport.conftest import Inbox

MEGABYTE = 1024 * 1024


def submit(connection: Connection, data: bytes) -> None:
    stream = connection.open_stream([data[: len(data) // 3], data[len(data) // 3 :]])
    connection.send(Submit(b"t" * 24, Call(Kind.APPLY, body=stream)))


def take_into(inbox: Inbox, connection: Connection, payloads: list[Payload]) -> None:
    def on_message(message: Any) -> None:
        if isinstance(message, Submit):
            assert isinstance(message.call.body, Stream)
            payload = connection.receive(message.call.body)
            payload.watch(inbox._changed.set)
            payloads.append(payload)

    inbox.on_message = on_message


@pytest.mark.parametrize("transport", ["unix", "tls"])
def test_a_long_payload_arrives_whole_and_lets_others_pass(
    open_door: Any, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    monkeypatch.setenv("ENGINEROOM_TRANSPORT", transport)
    data = bytes(range(256)) * (20 * MEGABYTE // 256)

    async def story() -> None:
        async with open_door() as door:
            connection, _ = await connect(door.info, role="client", join=Join(proof=b"", identity=b"i" * 16))
            connection.start(Inbox())
            inside, _, _, inbox = door.inside[0]
            payloads: list[Payload] = []
            take_into(inbox, inside, payloads)
            submit(connection, data)
            await inbox.until(lambda: bool(payloads) and payloads[0].received > 0)
            connection.send(Ask(1, AskSteps()))
            await inbox.until(lambda: Ask(1, AskSteps()) in inbox.messages)
            assert not payloads[0].complete, "the question should have passed the stream"
            await inbox.until(lambda: payloads[0].complete)
            assert payloads[0].buffer() == data
            connection.close()

    asyncio.run(story())


def test_nothing_is_sent_before_it_is_accepted() -> None:
    async def story() -> None:
        controller, client = memory_pair("client")
        inbox = Inbox()
        payloads: list[Payload] = []

        def on_message(message: Any) -> None:
            payload = controller.receive(message.call.body, assemble=False, accept=False)
            payload.watch(inbox._changed.set)
            payloads.append(payload)

        inbox.on_message = on_message
        controller.start(inbox)
        client.start(Inbox())
        submit(client, b"x" * MEGABYTE)
        await inbox.until(lambda: bool(payloads))
        client.send(Ask(1, AskSteps()))
        inbox.on_message = lambda message: None
        await inbox.until(lambda: len(inbox.messages) == 2)
        assert payloads[0].received == 0
        payloads[0].accept()
        await inbox.until(lambda: payloads[0].complete)
        assert payloads[0].buffer() == b"x" * MEGABYTE
        client.close()
        await inbox.until(lambda: bool(inbox.closed))

    asyncio.run(story())


def test_a_payload_is_relayed_while_it_arrives_and_its_failure_too() -> None:
    async def story() -> None:
        controller, engine = memory_pair("engine")
        inbox = Inbox()
        payloads: list[Payload] = []

        def on_message(message: Any) -> None:
            payload = engine.receive(message.body)
            payload.watch(inbox._changed.set)
            payloads.append(payload)

        inbox.on_message = on_message
        engine.start(inbox)
        controller.start(Inbox())
        arriving = Payload(10)
        stream = controller.open_stream(arriving)
        controller.send(Function(b"h" * 16, stream))
        arriving.add(memoryview(b"abcd"))
        await inbox.until(lambda: bool(payloads) and payloads[0].received == 4)
        arriving.fail("the client left")
        await inbox.until(lambda: payloads[0].error is not None)
        assert payloads[0].error == "the client left"
        engine.close()
        await inbox.until(lambda: bool(inbox.closed))

    asyncio.run(story())


def test_a_connection_that_breaks_fails_what_was_arriving() -> None:
    async def story() -> None:
        controller, client = memory_pair("client")
        inbox = Inbox()
        payloads: list[Payload] = []
        take_into(inbox, controller, payloads)
        controller.start(inbox)
        client.start(Inbox())
        stream = client.open_stream(Payload(10))
        client.send(Submit(b"t" * 24, Call(Kind.APPLY, body=stream)))
        await inbox.until(lambda: bool(payloads))
        client.abort("cut")
        await inbox.until(lambda: bool(inbox.closed))
        assert payloads[0].error is not None
        assert inbox.closed[0][1] is False

    asyncio.run(story())
