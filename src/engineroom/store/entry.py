"""What a store keeps of one task."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import msgspec

from engineroom.ids import TaskId, msg_id, number_of
from engineroom.protocol.messages import Body, Display, Output, Result, Status, Submit
from engineroom.protocol.streams import Buffer

Piece = Output | Display
"""A part of what a task wrote or displayed."""

WAITING, RUNNING, DONE, FAILED, ABORTED = STATES = ("waiting", "running", "done", "failed", "aborted")
"""How far a task is. `running`: an engine has it; it may be in that engine's queue. `failed`: it ended without a
result, whatever the reason; `Entry.status` tells which. `aborted`: somebody withdrew it."""

_ENDS = {int(status): FAILED for status in Status} | {int(Status.OK): DONE, int(Status.ABORTED): ABORTED}


class Bytes(Protocol):
    """A payload that is too long for its message, such as a `streams.Payload`."""

    size: int

    @property
    def pieces(self) -> Sequence[Buffer]:
        """Its bytes, in order."""


class Place(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One life of an engine: its id, its instance, and its machine. One object serves all tasks that ran there."""

    engine: int
    instance: bytes = b""
    host: str = ""
    pid: int = 0


NOWHERE = Place(-1)


class Attempt(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One try of a task. `sent`: when, in seconds since 1970, 0 if unknown. `cause`: how it ended without a result, in
    words: "killed by SIGKILL", "ValueError: no"; "" for the try that the result is of. `lines`: what its engine wrote
    last, where that matters."""

    number: int
    place: Place
    sent: float = 0.0
    cause: str = ""
    lines: tuple[str, ...] = ()


class Running(Attempt, frozen=True, array_like=True, gc=False):
    """The try that runs, and what came before it: `earlier` ones, and how many exceptions and losses count against
    `retries` and `max_engine_losses`."""

    earlier: tuple[Attempt, ...] = ()
    errors: int = 0
    losses: int = 0

    @property
    def every(self) -> tuple[Attempt, ...]:
        """All tries, in their order."""
        return (*self.earlier, self)


class Entry(msgspec.Struct, kw_only=True, eq=False):
    """One task, as a store knows it. Times are seconds since 1970; 0: that has not happened, or is unknown."""

    task: TaskId
    submit: Submit
    """As the client sent it; of a call to several engines, every task of it has the same."""
    call: Bytes | None = None
    """The payload of the call, where it is too long for `submit`."""
    submitted: float
    attempts: tuple[Attempt, ...] = ()
    """In their order; the last one is the one that runs, or that the result is of."""
    result: Result | None = None
    """None: it has not ended. It may name no task, if many ended alike."""
    body: Bytes | None = None
    """The payload of the result, where it is too long for `result`."""
    received: float = 0.0
    """When the controller had the result."""
    output: tuple[Piece, ...] = ()
    resubmitted: TaskId | None = None
    """The task that was submitted later to repeat it."""
    delivered: bool = False
    """Its client has its result."""
    function: str = ""
    """What the function that it calls is called; "" if it calls none, or that is not known."""

    @property
    def msg_id(self) -> str:
        return msg_id(self.task)

    @property
    def state(self) -> str:
        """One of STATES."""
        if self.result is None:
            return RUNNING if self.attempts else WAITING
        return state_of(self.result)

    @property
    def place(self) -> Place:
        """Where it ran last; NOWHERE if it has not been sent to an engine."""
        if self.attempts:
            return self.attempts[-1].place
        return NOWHERE if self.result is None else Place(self.result.engine)

    @property
    def target(self) -> bytes | None:
        """The instance of the engine that a direct call is bound to; None: the task is load-balanced."""
        to = self.submit.to
        return None if to is None else target_of(to, number_of(self.task) - number_of(self.submit.task))

    def call_buffers(self) -> list[Buffer]:
        """Return the payload of the call, in pieces."""
        return buffers_of(self.submit.call.body, self.call)

    def result_buffers(self) -> list[Buffer]:
        """Return the payload of the result, in pieces; none if there is none."""
        return [] if self.result is None else buffers_of(self.result.body, self.body)

    def record(self, keys: Iterable[str] | None = None) -> dict[str, Any]:
        """Return the task as users see it: `keys` and its `msg_id`; None: all keys but the payloads.

        BadQuery: there is no such key.
        """
        from engineroom.store.records import record  # which reads entries

        return record(self, keys)


def state_of(result: Result) -> str:
    """Return the state of a task that ended with `result`."""
    return _ENDS[int(result.outcome.status)]


def target_of(to: bytes, place: int) -> bytes:
    """Return the instance at `place` in a list of instances, b"" if it has fewer."""
    return to[place * 16 : place * 16 + 16]


def buffers_of(inline: Body, apart: Bytes | None) -> list[Buffer]:
    """Return a payload that is in its message, or beside it, in pieces; none if it is not kept."""
    if isinstance(inline, bytes):
        return [inline] if inline else []
    return [] if apart is None else list(apart.pieces)
