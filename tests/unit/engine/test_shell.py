"""The I/O thread keeps an eye on the main thread for as long as that is busy, however slow it is to begin."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from engineroom.engine.descriptors import Descriptors
from engineroom.engine.interrupts import Interrupts
from engineroom.engine.outbox import Outbox
from engineroom.engine.queue import TaskQueue
from engineroom.engine.runner import Runner
from engineroom.engine.shell import Shell
from engineroom.ids import SessionId, task_id
from engineroom.protocol.messages import Call, Held, Kind, Run, Started
from engineroom.serialize.functions.table import FunctionTable
from tests.patience import SECONDS

TASK = task_id(SessionId(bytes(16)), 1)


class Wire:
    """A connection that keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.send, self.send_all = self.sent.append, self.sent.extend

    def start(self, receiver: object) -> None:
        """Bring nothing."""


def test_a_task_that_begins_late_is_said_to_have_started() -> None:
    async def story() -> None:
        queue, wire = TaskQueue(), Wire()
        shell = Shell(
            queue,
            Outbox(wake=lambda: None, write_now=lambda _: False),
            FunctionTable(10),
            Interrupts(queue, guarded=Runner.enter.__code__),
            Descriptors(),
            on_lost=lambda _: None,
            on_end=lambda _: None,
        )
        shell.connected(cast(Any, wire))
        shell.on_messages([Run(TASK, 1, Call(Kind.EXECUTE))])
        await asyncio.sleep(0.05)
        assert wire.sent == [Held()]
        queue.start_next()
        await until(lambda: wire.sent == [Held(), Started(TASK, 1)])
        queue.finish()

    asyncio.run(story())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():  # noqa: ASYNC110 (a list tells nobody)
            await asyncio.sleep(0.01)
