"""One attempt of a task as the engine sees it, from its Run to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from engineroom.engine.task_output import Key, TaskOutput

if TYPE_CHECKING:
    from engineroom.protocol.messages import Finished, Run
    from engineroom.protocol.streams import Buffer, Payload
    from engineroom.serialize.futures import Given


class Attempt(msgspec.Struct, gc=False, eq=False):
    """One Run and what has become of it."""

    run: Run
    key: Key
    body: Payload | None = None
    """The payload when it travels as a stream."""
    ready: bool = True
    """Nothing is missing to start it."""
    queued: bool = True
    """It has not started and was not given back."""
    announced: bool = False
    """Started was said of it."""
    ended: bool = False
    """It writes no more in its own name."""
    output: TaskOutput | None = None
    """What it wrote; None while it has written nothing."""
    began: float = 0.0
    """By the monotonic clock; 0 if it has not begun, or nobody asks."""
    verdict: Exception | None = None
    """What it fails with if it is interrupted."""
    within: bytes = b""
    """On whose behalf it runs; b"" for what its Run says."""
    inputs: dict[bytes, Given | None] | None = None
    """By task, the results that are its arguments..."""
    lacks: int = 0
    """... and how many of these, and of its payload, are not there."""

    @classmethod
    def of(cls, run: Run, body: Payload | None = None) -> Attempt:
        """Return the attempt that `run` asks for."""
        ready = body is None or body.complete or body.error is not None  # then its call says so
        return cls(run, (run.task, run.attempt), body, ready)

    def payload(self) -> Buffer:
        """Return the packed arguments. MemoryError: there was none for them."""
        if self.body is not None:
            if self.body.error is not None:
                raise MemoryError(
                    f"the arguments of this call take {self.body.size:,} bytes, and this engine has no memory for them"
                )
            return self.body.buffer()
        inline = self.run.call.body
        assert isinstance(inline, bytes)
        return inline


class Ended(msgspec.Struct, gc=False, eq=False):
    """A result on its way out, kept until it is acknowledged. `body`: what does not fit the message.
    `output`: what the attempt wrote, None if nothing. `size`: bytes that it takes, all told."""

    message: Finished
    body: list[memoryview] | None
    output: TaskOutput | None
    size: int = 0
