"""Calls of others to which a client is attached, when its connection is cut and something happens meanwhile."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import Any, cast

import pytest

from engineroom.client.state.engine_table import EngineTable
from engineroom.client.state.others import Others, OthersCall
from engineroom.errors import EngineError
from engineroom.ids import SessionId, task_id
from engineroom.protocol.attaching import Attach, Attached
from engineroom.protocol.history import AskResult, HowItEnded
from engineroom.protocol.messages import Answer, Ask, Kind, Message, Outcome, Status
from engineroom.serialize.payloads import pack

OWNER = SessionId(b"o" * 16)
FIRST, SECOND = task_id(OWNER, 1), task_id(OWNER, 2)
FETCHED = "its client has fetched its result"
GONE = Outcome(Status.LOST, 0.0, 0.0, FETCHED)


class NoEngines:
    """What is known of engines: nothing."""

    def instance(self, engine: int) -> None:
        del engine


class Client:
    """A client that is attached to a call of two tasks."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.numbers = count(1)
        self.others = Others(cast(EngineTable, NoEngines()), self.send, lambda: next(self.numbers))
        self.others.expect(Attach(0, FIRST))
        self.others.answered(Answer(0, Attached(FIRST, 1, (0, 1), True, int(Kind.APPLY), "", None)), b"")
        call = self.others.take(0)
        assert call is not None
        self.call: OthersCall = call

    def send(self, messages: Any) -> None:
        self.sent += messages

    def connects_again(self) -> list[Message]:
        self.sent = []
        return self.others.again()


def recorded(value: object) -> tuple[HowItEnded, bytes]:
    reply = HowItEnded(int(Status.OK), 1.0, 2.0, "", int(Kind.APPLY), engine=1, first=1, last=2)
    payload = pack(value)
    assert isinstance(payload, bytes)
    return reply, payload


def test_what_its_client_has_fetched_meanwhile_comes_from_the_records() -> None:
    client = Client()
    [again] = client.connects_again()
    assert isinstance(again, Attach)
    client.others.is_gone(FIRST, GONE)
    [ask] = client.sent
    assert ask == Ask(ask.number, AskResult(FIRST))
    assert client.call.tasks[0].outcome is None
    reply, payload = recorded("value")
    client.others.answered(Answer(ask.number, reply), payload)
    assert client.call.tasks[0].value() == "value"
    assert client.call.tasks[0].engine == 1
    assert client.call.left == 1


def test_what_is_not_in_the_records_is_lost_with_the_reason() -> None:
    client = Client()
    client.others.is_gone(SECOND, GONE)
    [ask] = client.sent
    client.others.answered(Answer(ask.number, error="nothing is known of it"), b"")
    with pytest.raises(EngineError, match=FETCHED):
        client.call.tasks[1].value()


def test_the_records_are_asked_once_more_by_a_new_connection() -> None:
    client = Client()
    client.others.is_gone(FIRST, GONE)
    [ask] = client.sent
    [attach, again] = client.connects_again()
    assert isinstance(attach, Attach)
    assert again == ask


def test_a_call_that_the_controller_does_not_know_may_be_in_the_records() -> None:
    asyncio.run(attaches_in_vain())


async def attaches_in_vain() -> None:
    client = Client()
    [again] = client.connects_again()
    assert isinstance(again, Attach)
    client.others.answered(Answer(again.number, error=FETCHED), b"")
    for ask, value in zip(tuple(client.sent), "ab", strict=True):
        reply, payload = recorded(value)
        client.others.answered(Answer(ask.number, reply), payload)
    assert [task.value() for task in client.call.tasks] == ["a", "b"]
