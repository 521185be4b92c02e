"""The I/O thread keeps an eye on the main thread for as long as that is busy, however slow it is to begin."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from engineroom.engine.budget import Budget
from engineroom.engine.descriptors import Descriptors
from engineroom.engine.interrupts import Interrupts
from engineroom.engine.outbox import Outbox
from engineroom.engine.queue import TaskQueue
from engineroom.engine.runner import Runner
from engineroom.engine.shell import Shell
from engineroom.ids import SessionId, task_id
from engineroom.protocol.closing import Closing, Why
from engineroom.protocol.messages import Call, Finished, Full, Held, Kind, Ran, Run, Started, Stream
from engineroom.serialize.functions.table import FunctionTable
from engineroom.transport.backlog import Backlog
from tests.patience import comes_true, turns

TASK = task_id(SessionId(bytes(16)), 1)


class Wire:
    """A connection that keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.backlog = Backlog()
        self.send, self.send_all = self.sent.append, self.sent.extend

    def start(self, receiver: object) -> None:
        """Bring nothing."""

    def write_now(self, message: object) -> bool:
        """Write nothing at once."""
        return False


def shell_of(queue: TaskQueue, budget: Budget | None = None) -> Shell:
    """Return the shell of an engine that has this queue. `budget`: None for a large one."""
    return Shell(
        queue,
        Outbox(wake=lambda: None),
        FunctionTable(10),
        Interrupts(queue, guarded=Runner.enter.__code__),
        Descriptors(),
        budget or Budget(1 << 30, hold=queue.hold, tell=lambda: None),
        on_lost=lambda _: None,
        on_end=lambda _: None,
    )


def test_a_task_that_begins_late_is_said_to_have_started() -> None:
    async def story() -> None:
        queue, wire = TaskQueue(), Wire()
        shell = shell_of(queue)
        shell.connected(cast(Any, wire))
        shell.on_messages([Run(TASK, 1, Call(Kind.EXECUTE))])
        await turns()
        assert wire.sent == [Held()]
        queue.start_next()
        await comes_true(lambda: wire.sent == [Held(), Started(TASK, 1)])
        queue.finish()

    asyncio.run(story())


def test_an_engine_that_is_full_says_so_to_each_controller_and_when_it_goes_on() -> None:
    async def story() -> None:
        queue, wire = TaskQueue(), Wire()
        budget = Budget(10_000, hold=queue.hold, tell=lambda: None)
        shell = shell_of(queue, budget)
        shell.connected(cast(Any, wire))
        size = budget.make(20_000)
        shell.take()
        assert wire.sent == [Held(last=True), Full(size, 10_000)]
        wire = Wire()
        shell.connected(cast(Any, wire))
        assert wire.sent == [Held(last=True), Full(size, 10_000)]
        budget.release(size)
        shell.take()
        assert wire.sent[1:] == [Full(size, 10_000), Full(0, 10_000)]

    asyncio.run(story())


def test_no_task_is_started_while_the_controller_reads_too_slowly() -> None:
    async def story() -> None:
        queue, wire = TaskQueue(), Wire()
        shell = shell_of(queue)
        shell.connected(cast(Any, wire))
        shell.on_messages([Run(TASK, 1, Call(Kind.EXECUTE))])
        result = Finished(1, TASK, 1, Ran(0, 0.0, 0.0), bytes(50_000))
        assert wire.backlog.left([result] * 1000) is False
        assert queue.start_next() is None
        wire.backlog.empty()
        assert queue.start_next() is not None
        queue.finish()

        wire.backlog.left([result] * 1000)
        shell.on_messages([Run(TASK, 2, Call(Kind.EXECUTE))])
        assert queue.start_next() is None
        shell.on_closed(Closing(Why.CLOSED, "cut"))
        assert queue.start_next() is not None

    asyncio.run(story())


def test_the_main_thread_takes_tasks_that_are_all_there_and_nothing_else() -> None:
    async def story() -> None:
        queue = TaskQueue()
        shell = shell_of(queue)
        whole = Run(TASK, 1, Call(Kind.EXECUTE))
        arriving = Run(TASK, 2, Call(Kind.EXECUTE, body=Stream(1, 10)))
        needing = Run(TASK, 3, Call(Kind.EXECUTE), inputs=((SessionId(bytes(16)), 1, 1),))
        for others in ([arriving], [needing], [whole, Full(1, 1)], [whole, arriving]):
            assert not shell.take_here(others)
            assert queue.length == 0
        assert shell.take_here([whole])
        attempt = queue.start_next()
        assert attempt is not None
        assert attempt.run is whole

    asyncio.run(story())
