"""A message that no record can carry is its maker's mistake: he is told, and every other message arrives."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from engineroom.errors import ConnectionFailed
from engineroom.protocol.messages import Ask, EngineInfo, Join, Message, Output, Shutdown
from engineroom.protocol.questions import AskSteps
from engineroom.protocol.records import MAX_RECORD
from engineroom.transport.connection import Connection
from engineroom.transport.dial import connect
from engineroom.transport.memory import memory_pair
from tests.examples import drawn
from tests.patience import comes_true
from tests.transport.conftest import Inbox

TASK = bytes(24)
TOO_LONG = "x" * MAX_RECORD
UNSENDABLE = [
    pytest.param(Shutdown((7,), reason=TOO_LONG), "the limit is 1048575", id="too long"),
    pytest.param(Shutdown((7,), reason="\ud800"), "surrogates not allowed", id="not Unicode"),
    pytest.param(Ask(2**70, AskSteps()), "", id="a number beyond 64 bits"),
    pytest.param(Ask(7, object()), "", id="no value of a message"),  # type: ignore[arg-type]  # that is the point
]


def numbered(number: int, text: str = "") -> Shutdown:
    """Return one of many messages with a text."""
    return Shutdown((number,), reason=text)


@dataclass
class Sent:
    """What a connection could not send."""

    messages: list[tuple[Message, str]] = field(default_factory=list)

    def __call__(self, message: Message, why: str) -> None:
        self.messages.append((message, why))


async def pair() -> tuple[Connection, Inbox, Sent]:
    controller, client = memory_pair("client")
    inbox, unsent = Inbox(), Sent()
    controller.start(inbox)
    client.start(Inbox())
    client.on_unsent = unsent
    return client, inbox, unsent


@pytest.mark.parametrize(("message", "words"), UNSENDABLE)
def test_the_others_of_its_tick_arrive_in_order(message: Message, words: str) -> None:
    async def story() -> None:
        client, inbox, unsent = await pair()
        client.send_all([numbered(1), message, numbered(2)])
        client.send(numbered(3))
        await inbox.until(lambda: len(inbox.messages) == 3)
        assert inbox.messages == [numbered(1), numbered(2), numbered(3)]
        [(which, why)] = unsent.messages
        assert which is message
        assert words in why

    asyncio.run(story())


@drawn(30, deadline=None)
@given(st.lists(st.sampled_from(["", "", TOO_LONG, "\ud800"]), max_size=40))
def test_whatever_the_order(texts: list[str]) -> None:
    async def story() -> None:
        client, inbox, unsent = await pair()
        client.send_all([numbered(number, text) for number, text in enumerate(texts)])
        client.send(numbered(1000))
        await inbox.until(lambda: bool(inbox.messages) and inbox.messages[-1] == numbered(1000))
        arrived = inbox.messages[:-1]
        assert arrived == [numbered(number) for number, text in enumerate(texts) if not text]
        assert [message for message, _ in unsent.messages] == [
            numbered(number, text) for number, text in enumerate(texts) if text
        ]

    asyncio.run(story())


def test_a_connection_closes_however_long_the_reason_is() -> None:
    async def story() -> None:
        client, inbox, _ = await pair()
        client.close("\ud800" + TOO_LONG)
        await comes_true(lambda: inbox.closing is not None)

    asyncio.run(story())


@pytest.mark.parametrize("transport", ["unix", "tls"])
def test_another_thread_leaves_it_to_the_loop(open_door: Any, monkeypatch: pytest.MonkeyPatch, transport: str) -> None:
    monkeypatch.setenv("ENGINEROOM_TRANSPORT", transport)

    async def story() -> None:
        async with open_door() as door:
            connection, _ = await connect(door.info, role="client", join=Join(proof=b"", identity=b"i" * 16))
            connection.on_unsent = unsent = Sent()
            connection.start(Inbox())
            _, _, _, inbox = door.inside[0]
            message = Output(TASK, 1, 1, 0, TOO_LONG)  # type: ignore[arg-type]  # any message will do
            assert not connection.write_now(message)
            connection.send_all([message, numbered(1)])
            await inbox.until(lambda: len(inbox.messages) == 1)
            assert [which for which, _ in unsent.messages] == [message]
            connection.close()

    asyncio.run(story())


def test_who_describes_himself_at_too_great_length_is_told_and_tries_no_more(open_door: Any) -> None:
    async def story() -> None:
        async with open_door() as door:
            join = Join(proof=b"", identity=os.urandom(16), info=EngineInfo(problem="x" * 20_000))
            with pytest.raises(ConnectionFailed, match=r"this client describes itself at too great length") as told:
                await connect(door.info, role="client", join=join)
            assert told.value.final

    asyncio.run(story())
