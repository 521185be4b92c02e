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
    """One Run and what has become of it.

    `key`: its task and number. `body`: the payload when it travels as a stream, else None. `ready`: nothing is missing
    to start it. `queued`: it has not started and was not given back. `announced`: Started was said of it.
    `output`: what it wrote, None while it has written nothing. `ended`: it writes no more in its own name. `began`: by
    the monotonic clock, 0 if it has not or nobody asks. `verdict`: what it fails with if it is interrupted. `within`:
    on whose behalf it runs, b"" for what its Run says. `inputs`: by task, the results that are its arguments; `lacks`:
    how many of these, and of its payload, are not there.
    """

    run: Run
    key: Key
    body: Payload | None = None
    ready: bool = True
    queued: bool = True
    announced: bool = False
    ended: bool = False
    output: TaskOutput | None = None
    began: float = 0.0
    verdict: Exception | None = None
    within: bytes = b""
    inputs: dict[bytes, Given | None] | None = None
    lacks: int = 0

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
