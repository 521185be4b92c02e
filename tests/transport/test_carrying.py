"""Engines of one machine that is not the controller's receive a long payload once, each sees its own."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from engineroom.controller.copies.neighbours import Copies
from engineroom.controller.copies.one_copy import Spread
from engineroom.controller.copies.patience import Patience
from engineroom.controller.links import Link
from engineroom.ids import INSTANCE_BYTES, TASK_BYTES, Peer, TaskId
from engineroom.machine.shared_memory.memfd import available
from engineroom.machine.shared_memory.pool import SHARED
from engineroom.protocol.messages import Call, EngineInfo, Kind, Run
from engineroom.protocol.streams import Payload
from engineroom.transport import bodies
from engineroom.transport.carrying import Carrying
from engineroom.transport.memory import memory_pair
from tests.transport.conftest import Inbox

pytestmark = pytest.mark.skipif(not available(), reason="Linux has it")

SIZE = 3 << 20
DATA = bytes(range(256)) * (SIZE // 256)


class Engine:
    """An engine at the other end of a connection in this process. `come`: what it has been sent."""

    def __init__(self, number: int, copies: Copies, host: str, **how: Any) -> None:
        self.controller, self.peer = memory_pair("engine")
        self.instance = bytes([number]) * INSTANCE_BYTES
        info = EngineInfo(host=host, boot_id="b")
        copies.join(Link(Peer(number), "engine", self.controller, self.instance, info=info))
        self.peer.share_with_neighbours(lambda _, incoming: Carrying(self.peer, incoming, 1 << 30, **how))
        self.come: list[Payload] = []
        self.inbox = Inbox()
        self.inbox.on_message = self._take
        self.sent = 0
        transport: Any = self.controller.transport
        write = transport.write

        def counted(data: bytes) -> None:
            self.sent += len(data)
            write(data)

        transport.write = counted
        self.controller.start(Inbox())
        self.peer.start(self.inbox)

    def _take(self, message: Any) -> None:
        payload = bodies.receive(self.peer, message.call.body)
        payload.watch(self.inbox._changed.set)
        self.come.append(payload)

    async def has(self, number: int = 0) -> bytes:
        """Return the bytes of a payload once they are all here."""
        await self.inbox.until(lambda: len(self.come) > number and self.come[number].complete)
        return bytes(self.come[number].buffer())

    def send(self, payload: Payload) -> None:
        run = Run(TaskId(bytes(TASK_BYTES)), 1, Call(Kind.APPLY, body=b""))
        bodies.send(self.controller, run, payload)


def story(
    tell: Callable[[list[Engine]], Awaitable[None]], hosts: str = "aaa", copies: Copies | None = None, **how: Any
) -> Callable[[], None]:
    """`how`: what is particular about the engines' part."""

    async def told() -> None:
        among = copies or Copies()
        engines = [Engine(number, among, host, **how) for number, host in enumerate(hosts)]
        await tell(engines)
        for engine in engines:
            engine.peer.close()
        await asyncio.sleep(0)

    return lambda: asyncio.run(told())


def a_broadcast(engines: list[Engine], *, complete: bool = True) -> Payload:
    payload = Payload.of([DATA]) if complete else Payload(SIZE)
    payload.spread = Spread(b"".join(engine.instance for engine in engines))
    return payload


def sent_to_all(engines: list[Engine], *, complete: bool = True) -> Payload:
    payload = a_broadcast(engines, complete=complete)
    for engine in engines:
        engine.send(payload)
    return payload


async def whole(engines: list[Engine]) -> None:
    for engine in engines:
        assert await engine.has() == DATA


def sent(engines: list[Engine]) -> int:
    """Return how many copies have crossed."""
    return sum(engine.sent for engine in engines) // SIZE


def test_it_is_sent_once_for_each_machine() -> None:
    async def tell(engines: list[Engine]) -> None:
        sent_to_all(engines)
        await whole(engines)
        assert sent(engines) == 2

    story(tell, hosts="aaabbb")()


def test_what_only_one_engine_of_a_machine_needs_is_a_stream() -> None:
    async def tell(engines: list[Engine]) -> None:
        sent_to_all([engines[0], engines[2]])
        await whole([engines[0], engines[2]])
        assert SHARED.size == before

    before = SHARED.size
    story(tell, hosts="aab")()


def test_each_may_write_its_own() -> None:
    async def tell(engines: list[Engine]) -> None:
        sent_to_all(engines)
        await whole(engines)
        for number, engine in enumerate(engines, start=1):
            memoryview(engine.come[0].buffer())[:3] = bytes([number]) * 3
        assert [bytes(engine.come[0].buffer())[:4] for engine in engines] == [b"\1\1\1\3", b"\2\2\2\3", b"\3\3\3\3"]

    story(tell)()


def test_the_memory_is_written_again_when_nobody_has_it() -> None:
    async def tell(engines: list[Engine]) -> None:
        for number in range(4):
            payload = sent_to_all(engines)
            for engine in engines:
                assert await engine.has(number) == DATA
                engine.come[number] = Payload(0)
            del payload
            gc.collect()
            for _ in range(20):  # what was returned goes to the controller, and from there to the carrier
                await asyncio.sleep(0)
            sizes.append(SHARED.size)
        assert sizes[0] == sizes[-1]

    sizes: list[int] = []
    story(tell)()


def test_when_the_carrier_dies_in_the_middle_the_others_get_it() -> None:
    async def tell(engines: list[Engine]) -> None:
        payload = sent_to_all(engines, complete=False)
        payload.add(memoryview(DATA)[: SIZE // 2])
        await engines[0].inbox.until(lambda: bool(engines[0].come) and engines[0].come[0].received > 0)
        engines[0].peer.transport.abort()
        payload.add(memoryview(DATA)[SIZE // 2 :])
        await whole(engines[1:])
        assert sent(engines[1:]) == 1

    story(tell)()


def test_who_cannot_open_it_takes_it_as_a_stream() -> None:
    def refuse(*_: object) -> memoryview:
        raise PermissionError

    async def tell(engines: list[Engine]) -> None:
        sent_to_all(engines)
        await whole(engines)
        assert sent(engines) == 3

    story(tell, opens=refuse)()


def test_who_has_no_room_to_carry_leaves_it_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    blank = SHARED.blank
    asked: list[int] = []

    def none_at_first(size: int) -> Any:
        asked.append(size)
        return blank(size) if len(asked) > 1 else None

    monkeypatch.setattr(SHARED, "blank", none_at_first)

    async def tell(engines: list[Engine]) -> None:
        sent_to_all(engines)
        await whole(engines)
        assert sent(engines) == 2

    story(tell)()


def test_a_neighbour_that_comes_late_maps_what_is_there() -> None:
    async def tell(engines: list[Engine]) -> None:
        payload = a_broadcast(engines)
        for engine in engines:
            engine.send(payload)
            assert await engine.has() == DATA
        assert sent(engines) == 1

    story(tell)()


def test_a_carrier_that_wants_no_more_is_replaced_and_one_that_waits_may_leave() -> None:
    async def tell(engines: list[Engine]) -> None:
        payload = sent_to_all(engines, complete=False)
        for engine in engines:
            await engine.inbox.until(lambda come=engine.come: bool(come))  # type: ignore[misc]
        engines[0].come[0].refuse("not now")
        engines[1].come[0].refuse("nor here")
        payload.add(memoryview(DATA))
        await whole(engines[2:])
        assert [engine.come[0].error for engine in engines] == ["not now", "nor here", None]

    story(tell)()


def test_a_payload_of_which_no_more_comes_fails_everywhere() -> None:
    async def tell(engines: list[Engine]) -> None:
        payload = sent_to_all(engines, complete=False)
        payload.add(memoryview(DATA)[: SIZE // 2])
        payload.fail("its client is gone")
        for engine in engines:
            await engine.inbox.until(lambda come=engine.come: bool(come) and come[0].error is not None)  # type: ignore[misc]
        assert {engine.come[0].error for engine in engines} == {"its client is gone"}

    story(tell)()


def test_a_carrier_that_does_not_answer_is_replaced() -> None:
    copies = Copies(Patience(0.05, 1000.0, 0.01))

    async def tell(engines: list[Engine]) -> None:
        engines[0].peer.pause([])  # it reads, and takes no notice
        sent_to_all(engines)
        await whole(engines[1:])
        copies.patience = Patience(1000.0, 1000.0)
        sent_to_all(engines)  # nobody waits for it a second time
        for engine in engines[1:]:
            assert await engine.has(1) == DATA

    story(tell, copies=copies)()
