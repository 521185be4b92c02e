"""Payloads in shared memory between the two ends of a connection, which are in one process here."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any

import pytest

from engineroom.ids import TaskId
from engineroom.machine.shared_memory.mapped import MAPPINGS
from engineroom.machine.shared_memory.memfd import available
from engineroom.machine.shared_memory.pool import SHARED
from engineroom.protocol.closing import Closing
from engineroom.protocol.messages import Call, Kind, Run, Shared, Stream, Submit
from engineroom.protocol.streams import Payload
from engineroom.transport import bodies
from engineroom.transport.borrowed import HeldPayload, MappedPayload
from engineroom.transport.connection import Connection
from engineroom.transport.memory import memory_pair
from engineroom.transport.sharing import Sharing
from tests.patience import comes_true
from tests.unit.machine.test_shared_memory import tells_written_pages

pytestmark = pytest.mark.skipif(not available(), reason="Linux has it")

SIZE = 300_000
SUBMIT = Submit(TaskId(b"t" * 24), Call(Kind.APPLY))
RUN = Run(SUBMIT.task, 1, Call(Kind.APPLY))


SHARINGS: set[Sharing] = set()
"""The controller's ends."""


class Taker:
    """Takes all payloads, and keeps them."""

    def __init__(self, connection: Connection, *, assemble: bool) -> None:
        self._connection, self._assemble = connection, assemble
        self.accept = True
        self.ways: list[type] = []
        self.whole: list[Payload] = []
        connection.start(self)

    def on_messages(self, messages: list[Any]) -> None:
        for message in messages:
            body = message.call.body
            self.ways.append(type(body))
            bodies.receive(self._connection, body, whole=self.whole.append, assemble=self._assemble, accept=self.accept)

    def on_closed(self, closing: Closing) -> None:
        pass


class Pair:
    """The two ends of a connection of `role`, and what has arrived at them."""

    def __init__(self, role: str, *, pid: int = 0, limit: int = 1 << 30) -> None:
        self.controller, self.peer = memory_pair(role)
        for end in (self.controller, self.peer):
            end.peer_pid = pid or os.getpid()
        self.controller.share(limit, SHARINGS)
        self.peer.share(limit)
        self.at_controller = Taker(self.controller, assemble=False)
        self.at_peer = Taker(self.peer, assemble=True)


def story(act: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Have `act` run in an event loop."""

    @wraps(act)
    def run() -> None:
        asyncio.run(act())

    return run


@asynccontextmanager
async def pair(role: str, **options: int) -> AsyncIterator[Pair]:
    made = Pair(role, **options)
    yield made
    made.peer.close()
    await comes_true(lambda: made.controller.closed and made.peer.closed)


@pytest.fixture(autouse=True)
def pool() -> Iterator[None]:
    """Have an empty pool before and after each test."""
    SHARED.users = 0  # there may be connections of earlier tests whose loop ended before they did
    MAPPINGS.kept.clear()
    SHARED.allow(64 << 20)
    yield
    SHARED.forget()


def packed(letter: bytes = b"a", size: int = SIZE) -> list[memoryview]:
    view = SHARED.snapshot([memoryview(letter * size)])
    assert view is not None
    return [view[:100], view[100:]]


def is_free() -> bool:
    """Whether the next payload is written where the last one was."""
    before = SHARED.size
    packed()
    return SHARED.size == before


@story
async def test_a_payload_is_held_passed_on_mapped_and_returned() -> None:
    async with pair("client") as client, pair("engine") as engine:
        views = packed()
        segment = SHARED.segment_of(views)
        stream = bodies.send(client.peer, SUBMIT, views)
        del views
        assert client.peer.left(stream) == SIZE
        await comes_true(lambda: client.at_controller.whole)
        assert client.at_controller.ways == [Shared]
        await comes_true(lambda: client.peer.left(stream) == 0)  # its sender may exit

        held = client.at_controller.whole.pop()
        assert isinstance(held, HeldPayload)
        bodies.send(engine.controller, RUN, held)
        del held
        await comes_true(lambda: engine.at_peer.whole)
        mapped = engine.at_peer.whole.pop()
        assert isinstance(mapped, MappedPayload)
        view = memoryview(mapped.buffer())
        assert (view.readonly, bytes(view[:2]), len(view)) == (False, b"aa", SIZE)
        del mapped
        assert SHARED.segment_of(packed()) is not segment
        del view
        await comes_true(lambda: SHARED.segment_of(packed()) is segment)


@story
async def test_what_is_held_is_here_when_its_sender_has_gone_before_its_turn() -> None:
    async with pair("client") as client:
        client.at_controller.accept = False
        stream = bodies.send(client.peer, SUBMIT, packed())
        await comes_true(lambda: client.peer.left(stream) == 0)
        assert not client.at_controller.whole
        client.peer.close("left")
        await comes_true(lambda: client.controller.closed)
        [held] = client.at_controller.whole
        assert b"".join(held.pieces) == b"a" * SIZE


@story
async def test_what_can_not_be_opened_comes_as_a_stream_and_soon_nothing_is_offered_any_more() -> None:
    async with pair("client", pid=2**22 + 1) as client:
        for number in range(5):
            bodies.send(client.peer, SUBMIT, packed())
            await comes_true(lambda wanted=number + 1: len(client.at_controller.whole) == wanted)
        assert client.at_controller.ways == [Shared] * 3 + [Stream] * 2
        assert all(b"".join(payload.pieces) == b"a" * SIZE for payload in client.at_controller.whole)
        assert client.controller.sharing is not None
        assert client.peer.sharing is not None
        await comes_true(lambda: "can't be used" in client.peer.sharing.far_trouble)  # type: ignore[union-attr]
        assert "can't have" in client.peer.sharing.trouble
        assert is_free()


@story
async def test_one_side_alone_may_offer_what_the_other_takes_as_a_stream() -> None:
    async with pair("client") as client:
        its, client.controller.sharing = client.controller.sharing, None
        bodies.send(client.peer, SUBMIT, packed())
        await comes_true(lambda: client.at_controller.whole)
        assert b"".join(client.at_controller.whole[0].pieces) == b"a" * SIZE
        assert is_free()
        client.controller.sharing = its


@story
async def test_memory_that_the_other_end_had_when_the_connection_broke_is_not_written_again() -> None:
    async with pair("client") as client:
        views = packed()
        bodies.send(client.peer, SUBMIT, views)
        await comes_true(lambda: client.at_controller.whole)
        client.peer.abort("cut")
        await comes_true(lambda: client.controller.closed and client.peer.closed)
        segment = SHARED.segment_of(views)
        assert segment is not None
        assert segment.spoiled
    async with pair("client") as client:
        bodies.send(client.peer, SUBMIT, views)  # the same once more, as a client does that has reconnected
        await comes_true(lambda: client.at_controller.whole)
        assert b"".join(client.at_controller.whole[0].pieces) == b"a" * SIZE


@story
async def test_a_far_end_that_returns_nothing_gets_no_more_than_its_share() -> None:
    async with pair("client", limit=2 * SIZE) as client:
        for _ in range(3):
            bodies.send(client.peer, SUBMIT, packed())
        await comes_true(lambda: len(client.at_controller.whole) == 3)
        assert client.at_controller.ways == [Shared, Shared, Stream]
        await comes_true(lambda: "still in use" in client.controller.sharing.far_trouble)  # type: ignore[union-attr]

        client.at_controller.whole.clear()
        await comes_true(lambda: SHARED.sweep(0.0) is False)
        bodies.send(client.peer, SUBMIT, packed())
        await comes_true(lambda: client.controller.sharing.far_trouble == "")  # type: ignore[union-attr]


@story
async def test_a_payload_that_is_kept_for_long_is_copied_and_its_memory_returned() -> None:
    async with pair("client") as client, pair("engine") as engine:
        bodies.send(client.peer, SUBMIT, packed())
        await comes_true(lambda: client.at_controller.whole)
        bodies.send(engine.controller, RUN, client.at_controller.whole[0])
        await comes_true(lambda: engine.at_peer.whole)
        engine.at_peer.whole.clear()
        await comes_true(lambda: client.at_controller.whole[0].descriptor < 0)  # type: ignore[attr-defined]
        assert b"".join(client.at_controller.whole[0].pieces) == b"a" * SIZE
        bodies.send(engine.controller, RUN, client.at_controller.whole[0])
        await comes_true(lambda: engine.at_peer.whole)
        assert engine.at_peer.ways == [Shared, Stream]


@story
async def test_what_does_not_fit_the_pool_travels_as_a_stream() -> None:
    async with pair("client") as client:
        data = memoryview(bytes(SIZE))
        kept = [packed(size=16 << 20) for _ in range(4)]
        assert SHARED.snapshot([data]) is None
        bodies.send(client.peer, SUBMIT, [data])
        await comes_true(lambda: client.at_controller.whole)
        assert client.at_controller.ways == [Stream]
        await comes_true(lambda: "is limited to" in client.controller.sharing.far_trouble)  # type: ignore[union-attr]
        del kept


@story
async def test_of_a_pool_of_which_others_have_much_they_keep_copies() -> None:
    async with pair("client") as engine, pair("engine") as client:  # as the ends of a result's way are
        kept, lent = [], []
        for _ in range(8):
            bodies.send(engine.peer, SUBMIT, packed(size=8 << 20))
            await comes_true(lambda: engine.at_controller.whole)
            bodies.send(client.controller, RUN, engine.at_controller.whole.pop())
            await comes_true(lambda: client.at_peer.whole)
            kept.append(client.at_peer.whole.pop().hand_over())
            await comes_true(lambda: SHARED.lent == min(len(kept), 4))
            lent.append(SHARED.lent)
        assert lent == [1, 2, 3, 4, 4, 4, 4, 4]
        assert client.at_peer.ways == [Shared] * 8
        assert all(bytes(its[:2]) == b"aa" and len(its) == 8 << 20 for its in kept)
        kept[-1][:2] = kept[0][:2] = b"bb"
        assert bytes(kept[1][:2]) == bytes(kept[-2][:2]) == b"aa"


@story
async def test_memory_that_its_owner_gives_back_for_other_memory_is_kept_mapped_by_nobody() -> None:
    async with pair("client") as client, pair("engine") as engine:
        bodies.send(client.peer, SUBMIT, packed(size=24 << 20))
        await comes_true(lambda: client.at_controller.whole)
        bodies.send(engine.controller, RUN, client.at_controller.whole.pop())
        await comes_true(lambda: engine.at_peer.whole)
        engine.at_peer.whole.clear()
        await comes_true(lambda: SHARED.lent == 0)
        if tells_written_pages():
            assert len(MAPPINGS.kept) == 1
        SHARED.dropping.discard(engine.peer.sharing.drop)  # type: ignore[union-attr]  # it is another process's
        kept = packed(size=56 << 20)  # there is no room for both
        await comes_true(lambda: len(MAPPINGS.kept) == 0)
        del kept


@story
async def test_no_mapping_is_kept_once_the_last_connection_is_gone() -> None:
    async with pair("engine") as engine:
        for _ in range(2):
            bodies.send(engine.controller, RUN, packed())
        await comes_true(lambda: len(engine.at_peer.whole) == 2)
        engine.at_peer.whole.pop()
    engine.at_peer.whole.clear()
    assert len(MAPPINGS.kept) == 0


@story
async def test_what_is_returned_while_more_comes_goes_with_what_is_said_anyway() -> None:
    async with pair("engine") as engine:
        woken: list[Callable[[], object]] = []
        sharing = engine.peer.sharing
        assert sharing is not None
        sharing._loop = Woken(asyncio.get_running_loop(), woken)  # type: ignore[assignment]
        for _ in range(3):
            bodies.send(engine.controller, RUN, packed())
            await comes_true(lambda: engine.at_peer.whole)
            engine.at_peer.whole.clear()
        await comes_true(is_free)
        assert not woken


@story
async def test_what_is_returned_much_later_is_said_at_once() -> None:
    async with pair("engine") as engine:
        woken: list[Callable[[], object]] = []
        sharing = engine.peer.sharing
        assert sharing is not None
        sharing._loop = Woken(asyncio.get_running_loop(), woken)  # type: ignore[assignment]
        bodies.send(engine.controller, RUN, packed())
        await comes_true(lambda: engine.at_peer.whole and not sharing._looks)
        engine.at_peer.whole.clear()
        assert len(woken) == 1
        await comes_true(is_free)
        await comes_true(lambda: not sharing._looks)  # nobody looks for ever


class Woken:
    """A loop that notes what other threads would wake it for."""

    def __init__(self, loop: asyncio.AbstractEventLoop, woken: list[Callable[[], object]]) -> None:
        self._loop, self._woken = loop, woken

    def call_soon_threadsafe(self, act: Callable[[], object]) -> None:
        self._woken.append(act)
        self._loop.call_soon_threadsafe(act)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)
