"""A thread that waits may read in the loop's place; nothing is lost, torn, reordered or read twice by that."""

from __future__ import annotations

import asyncio
import random
import select
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from engineroom.ids import TaskId
from engineroom.machine.shared_memory.memfd import available
from engineroom.machine.shared_memory.pool import SHARED
from engineroom.protocol.messages import Answer, Ask, Call, Join, Kind, Notice, Stream, Submit
from engineroom.protocol.questions import AskSteps
from engineroom.transport import bodies
from engineroom.transport.bell import Bell
from engineroom.transport.borrowed import HeldPayload
from engineroom.transport.connection import Connection
from engineroom.transport.dial import connect
from engineroom.transport.reading import POSSIBLE, Reading, Turn
from tests.patience import SECONDS, comes_true
from tests.transport.conftest import Inbox

JOIN = Join(proof=b"", identity=b"i" * 16)

pytestmark = pytest.mark.skipif(not POSSIBLE, reason="needs epoll and eventfd")


def in_stream(message: Any) -> bool:
    return isinstance(message, Answer) and isinstance(message.body, Stream)


class Waiting(threading.Thread):
    """Reads whenever it may, takes some of what comes, and leaves the rest to the loop."""

    def __init__(self, reading: Reading, heard: list[Any], takes: float) -> None:
        """`takes`: the part of what comes that it takes."""
        super().__init__(daemon=True)
        self.reading, self.heard, self.takes = reading, heard, takes
        self.bell, self.stopped = Bell(), False
        self.taken = self.left = 0
        self.dice = random.Random(1)

    def run(self) -> None:
        poll = select.poll()
        poll.register(self.bell.number, select.POLLIN)
        while not self.stopped:
            turn = Turn()
            if self.reading.begin(turn, self.bell.ring):
                self.one_turn(turn)
            else:
                poll.poll()
                self.bell.hush()

    def one_turn(self, turn: Turn) -> None:
        poll = select.poll()
        poll.register(self.bell.number, select.POLLIN)
        poll.register(self.reading.descriptor, select.POLLIN)
        if (self.bell.number, select.POLLIN) in poll.poll():
            self.bell.hush()
            self.reading.end(turn)
            return
        messages = self.reading.receive(turn)
        if messages is not None and self.dice.random() < self.takes and not any(map(in_stream, messages)):
            self.heard += messages
            self.taken += len(messages)
            turn.taken = True
        if turn.taken or not (turn.counts or turn.error):
            self.reading.end(turn)
        else:
            self.left += 1
            self.reading.leave(turn)

    def stop(self) -> None:
        self.stopped = True
        self.bell.ring()
        if self.ident is not None:
            self.join(SECONDS)
            assert not self.is_alive()


@asynccontextmanager
async def knock(door: Any) -> AsyncIterator[tuple[Connection, Inbox, Connection, Waiting]]:
    """Yield both ends of a connection, and who waits at the near one once he is started."""
    connection, _ = await connect(door.info, role="client", join=JOIN)
    connection.read_by_turns()
    inbox = Inbox()
    connection.start(inbox)
    assert connection.reading is not None
    waiting = Waiting(connection.reading, inbox.messages, takes=0.7)
    try:
        yield connection, inbox, door.inside[0][0], waiting
    finally:
        waiting.stop()
        connection.close()


@pytest.mark.parametrize("transport", ["unix", "tls"])
def test_all_that_comes_is_taken_once_and_in_order_by_whoever_reads(
    open_door: Any, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    monkeypatch.setenv("ENGINEROOM_TRANSPORT", transport)
    dice = random.Random(2)

    async def story() -> None:
        async with open_door() as door, knock(door) as (_, inbox, far, waiting):
            waiting.start()
            sent = 0
            for _ in range(300):
                for _ in range(dice.choice([1, 1, 1, 2, 5])):  # one by one, and at once
                    size = dice.choice([0, 10, 10, 7_000, 9_000, 16_000])
                    far.send(Notice(f"{sent} {'x' * size}"))
                    sent += 1
                    if dice.random() < 0.5:
                        far.flush()
                if dice.random() < 0.6:  # else they meet on their way
                    await comes_true(lambda: len(inbox.messages) == sent)  # noqa: B023 (called before the next)
            await comes_true(lambda: len(inbox.messages) == sent)
            assert [int(said.text.partition(" ")[0]) for said in inbox.messages] == list(range(sent))
            assert waiting.taken
            assert waiting.left

    asyncio.run(story())


def test_what_comes_in_streams_is_the_loops(open_door: Any) -> None:
    async def story() -> None:
        async with open_door() as door, knock(door) as (connection, inbox, far, waiting):
            waiting.takes = 1.0
            here: list[Any] = []
            inbox.on_message = lambda said: here.append(connection.receive(said.body)) if said.body else None
            waiting.start()
            sizes = [1 << 20, 100, 300_000]
            for number, size in enumerate(sizes):
                far.send(Answer(number, body=far.open_stream([bytes([number]) * size])))
                far.flush()
            await comes_true(lambda: len(here) == len(sizes) and all(body.complete for body in here))
            assert [bytes(body.buffer()) for body in here] == [
                bytes([number]) * size for number, size in enumerate(sizes)
            ]
            far.send(Answer(9))
            await comes_true(lambda: len(inbox.messages) == len(sizes) + 1)

    asyncio.run(story())


@pytest.mark.skipif(not available(), reason="Linux has it")
def test_a_thread_may_read_while_the_far_end_has_hold_of_something_in_shared_memory(open_door: Any) -> None:
    async def story() -> None:
        async with open_door() as door, knock(door) as (connection, _, far, waiting):
            held: list[Any] = []
            said = door.inside[0][3]
            said.on_message = lambda message: held.append(bodies.receive(far, message.call.body, assemble=False))
            for end in (connection, far):
                end.share(1 << 30)
            SHARED.allow(64 << 20)
            view = SHARED.snapshot([memoryview(bytes(300_000))])
            assert view is not None
            stream = bodies.send(connection, Submit(TaskId(b"t" * 24), Call(Kind.APPLY)), [view])
            await comes_true(lambda: held and connection.left(stream) == 0)
            assert isinstance(held[0], HeldPayload)
            turn = Turn()
            assert waiting.reading.begin(turn)
            waiting.reading.end(turn)

    try:
        asyncio.run(story())
    finally:
        SHARED.forget()


@pytest.mark.parametrize("transport", ["unix", "tls"])
@pytest.mark.parametrize("how", ["close", "abort"])
def test_a_thread_that_reads_leaves_the_end_to_the_loop(
    open_door: Any, monkeypatch: pytest.MonkeyPatch, transport: str, how: str
) -> None:
    monkeypatch.setenv("ENGINEROOM_TRANSPORT", transport)

    async def story() -> None:
        async with open_door() as door, knock(door) as (connection, inbox, far, waiting):
            waiting.start()
            far.send(Notice("the last"))
            await comes_true(lambda: len(inbox.messages) == 1)
            getattr(far, how)("it is over")
            await inbox.until(lambda: bool(inbox.closed))
            assert connection.reading is None
            assert waiting.reading.closed
            await comes_true(lambda: waiting.reading._socket.fileno() < 0)  # though somebody still refers to it

    asyncio.run(story())


def test_a_thread_whose_turn_it_is_does_not_keep_the_loop_busy_when_the_far_end_dies(open_door: Any) -> None:
    async def story() -> None:
        async with open_door() as door, knock(door) as (connection, inbox, far, waiting):
            reading, turn = waiting.reading, Turn()
            assert reading.begin(turn)
            asked: list[float] = []
            loop = asyncio.get_running_loop()
            lock = reading._lock

            class Counting:
                """Counts how often the loop asks for its turn."""

                def acquire(self, *, blocking: bool) -> bool:
                    asked.append(loop.time())
                    return lock.acquire(blocking=blocking)

                release = lock.release

            reading._lock = Counting()  # type: ignore[assignment]
            far.abort("dead")
            await comes_true(lambda: len(asked) > 4)
            assert asked[4] - asked[0] >= 0.015  # it has looked away in between
            reading.leave(turn)
            await inbox.until(lambda: bool(inbox.closed))
            assert connection.closed

    asyncio.run(story())


@pytest.mark.parametrize("transport", ["unix", "tls"])
@pytest.mark.parametrize("interrupted", ["before", "after it has read", "while it decrypts"])
def test_a_turn_that_a_handler_ends_is_the_loops(
    open_door: Any, monkeypatch: pytest.MonkeyPatch, transport: str, interrupted: str
) -> None:
    monkeypatch.setenv("ENGINEROOM_TRANSPORT", transport)

    async def story() -> None:
        async with open_door() as door, knock(door) as (connection, inbox, far, waiting):
            reading, turn = waiting.reading, Turn()
            assert reading.begin(turn)
            far.send(Notice("one"))
            far.flush()
            poll = select.poll()
            poll.register(reading.descriptor, select.POLLIN)
            assert poll.poll(1000 * SECONDS)
            if interrupted != "before":
                assert [said.text for said in reading.receive(turn) or ()] == ["one"]
            if interrupted == "while it decrypts":
                turn.opened = None
            reading.leave_here()
            assert reading.receive(turn) is None  # it touches nothing any more
            if interrupted == "while it decrypts" and transport == "tls":
                await inbox.until(lambda: bool(inbox.closed))  # and a new connection brings it again
                return
            await inbox.until(lambda: len(inbox.messages) == 1)
            far.send(Notice("two"))
            await inbox.until(lambda: [said.text for said in inbox.messages] == ["one", "two"])
            connection.send(Ask(1, AskSteps()))

    asyncio.run(story())
