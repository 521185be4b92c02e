"""Memory goes back when there is nothing else to do, and not before."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from engineroom.ids import SessionId, task_id
from engineroom.machine import memory
from engineroom.protocol.messages import Call, Kind, Run, Submit
from engineroom.protocol.streams import Payload
from engineroom.transport import bodies, thrift
from engineroom.transport.connection import Connection
from engineroom.transport.memory import memory_pair
from tests.patience import comes_true


def test_memory_goes_back_once_nothing_changes_and_again_once_what_was_kept_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[int] = []
    monkeypatch.setattr(memory, "give_back", lambda: given.append(kept))
    told: list[bool] = []
    monkeypatch.setattr(memory, "keep_large_apart", lambda *, apart: told.append(apart))
    kept = 2 * thrift.WORTH

    async def story() -> None:
        nonlocal kept
        looks = thrift.Thrift(lambda: kept, tune=True, quiet=0.01)
        looks.passed(10)
        assert looks._timer is None
        looks.passed(thrift.WORTH)
        assert told == []
        kept += 1
        looks.passed(thrift.WORTH + 1)
        await comes_true(lambda: len(given) >= 1)
        kept = 0
        await comes_true(lambda: len(given) >= 2)
        assert looks._timer is None
        looks.close()

    asyncio.run(story())
    assert given == [2 * thrift.WORTH + 1, 0]
    assert told == [True]


def test_what_is_freed_is_kept_while_much_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    short = True

    def keep_freed() -> bool:
        done.append("keep_freed")
        return not short

    monkeypatch.setattr(memory, "keep_freed", keep_freed)
    for name in ("keep_little", "give_back"):
        monkeypatch.setattr(memory, name, lambda name=name: done.append(name))

    async def story() -> None:
        nonlocal short
        looks = thrift.Thrift(lambda: 0, reuse=True, quiet=0.01)
        looks.passed(thrift.WORTH)
        assert done == []
        looks.passed(1)
        assert done == ["keep_freed"]
        looks.close()
        assert done.pop() == "keep_freed"
        short = False
        looks = thrift.Thrift(lambda: 0, reuse=True, quiet=0.01)
        looks.passed(thrift.WORTH + 1)
        looks.passed(thrift.WORTH + 1)
        assert done == ["keep_freed"]
        await comes_true(lambda: looks._timer is None)
        assert done == ["keep_freed", "keep_little", "give_back"]
        looks.passed(2 * thrift.WORTH)
        looks.close()

    asyncio.run(story())
    assert done == ["keep_freed", "keep_little", "give_back", "keep_freed", "keep_little"]


def test_what_is_free_can_be_given_back_anywhere() -> None:
    memory.keep_large_apart(apart=True)
    memory.keep_large_apart(apart=False)
    memory.give_back()


class Receiver:
    """Takes the payload of each task that comes."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.payloads: list[Payload] = []
        connection.start(self)

    def on_messages(self, messages: list[Any]) -> None:
        self.payloads += [bodies.receive(self.connection, message.call.body) for message in messages]

    def on_closed(self, closing: object) -> None:
        """Nothing is to be done."""


def test_a_connection_notes_what_it_sends_and_brings_in_streams_once() -> None:
    task = task_id(SessionId(bytes(16)), 1)

    async def story() -> None:
        controller, client = memory_pair("client")
        for connection in (controller, client):
            connection.thrift = thrift.Thrift(lambda: 0)
        receiver = Receiver(controller)
        Receiver(client)
        bodies.send(client, Submit(task, Call(Kind.APPLY)), bytes(100_000))
        await comes_true(lambda: [payload.complete for payload in receiver.payloads] == [True])
        bodies.send(controller, Run(task, 1, Call(Kind.APPLY)), receiver.payloads[0])
        for connection in (controller, client):
            assert connection.thrift is not None
            assert connection.thrift._passed == 100_000
            connection.abort("enough")

    asyncio.run(story())
