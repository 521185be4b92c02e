"""One attempt of a task as the engine sees it, from its Run to its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engineroom.ids import TaskId

if TYPE_CHECKING:
    from engineroom.engine.capture import TaskOutput
    from engineroom.protocol.messages import Finished, Run
    from engineroom.protocol.streams import Buffer, Payload

Key = tuple[TaskId, int]
"""A task and the number of the attempt."""


class Attempt:
    """One Run and what has become of it.

    `body`: the payload when it travels as a stream, else None. `ready`: nothing is missing to start it.
    `queued`: it has not started and was not given back. `announced`: Started was said of it.
    `output`: what it wrote, None while it has written nothing. `ended`: it writes no more in its own name.
    """

    __slots__ = ("announced", "body", "ended", "key", "output", "queued", "ready", "run")

    def __init__(self, run: Run, body: Payload | None = None) -> None:
        self.run = run
        self.key: Key = (run.task, run.attempt)
        self.body = body
        self.ready = body is None or body.complete
        self.queued = True
        self.announced = False
        self.ended = False
        self.output: TaskOutput | None = None

    def payload(self) -> Buffer:
        return self.run.call.payload if self.body is None else self.body.buffer()


@dataclass(slots=True)
class Ended:
    """A result on its way out, kept until it is acknowledged. `body`: what does not fit the message.
    `output`: what the attempt wrote, None if nothing."""

    message: Finished
    body: list[memoryview] | None
    output: TaskOutput | None
