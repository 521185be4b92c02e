"""What happens to entries: the only way in which anything gets into a store.

They are made for every task, so the garbage collector does not track them: they hold no cycles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from engineroom.ids import SessionId, TaskId
from engineroom.protocol.messages import Function, Result, Submit, Who
from engineroom.protocol.task_ranges import TaskRanges
from engineroom.store.entry import NOWHERE, Attempt, Entry, Piece, Place, Running

if TYPE_CHECKING:
    from engineroom.store.entry import Bytes

PURGED, RETIRED, MISSED, UNWRITTEN = ABSENT = ("purged", "retired", "missed", "unwritten")
"""Why a store has no record of a task, or not all of it: somebody wanted that; a limit of the store; trouble with it;
or the controller was killed after the result was delivered, and before the record was written."""


class _Change(msgspec.Struct, frozen=True, gc=False):
    """Base of changes. Times are seconds since 1970."""


class Submitted(_Change, frozen=True):
    """A task has arrived. `call`: its payload, where it is too long for `submit`; `size`: bytes that it takes."""

    task: TaskId
    submit: Submit
    submitted: float
    call: Bytes | None = None
    size: int = 0

    def entry(self) -> Entry:
        return Entry(task=self.task, submit=self.submit, call=self.call, submitted=self.submitted)


class Sent(_Change, frozen=True):
    """An attempt of a task was sent to an engine. The rest is as in Running."""

    task: TaskId
    attempt: int
    place: Place
    at: float
    earlier: tuple[Attempt, ...] = ()
    errors: int = 0
    losses: int = 0

    def tried(self) -> tuple[Attempt, ...]:
        """Return all attempts, in their order."""
        return self.running().every

    def running(self) -> Running:
        return Running(self.attempt, self.place, self.at, earlier=self.earlier, errors=self.errors, losses=self.losses)


class Ended(_Change, frozen=True):
    """A task has ended. It says all there is to say of it: nothing else needs to be known of the task.

    `attempt`: the number of the last attempt, at `place`, 0 if there was none; `earlier`: those before it. `size`:
    bytes of its payloads and output.
    """

    task: TaskId
    submit: Submit
    submitted: float
    result: Result
    received: float
    attempt: int = 0
    place: Place = NOWHERE
    sent: float = 0.0
    call: Bytes | None = None
    body: Bytes | None = None
    size: int = 0
    earlier: tuple[Attempt, ...] = ()
    output: tuple[Piece, ...] = ()

    def attempts(self) -> tuple[Attempt, ...]:
        """Return all attempts, in their order."""
        if not self.attempt:
            return self.earlier
        return (*self.earlier, Attempt(self.attempt, self.place, self.sent))

    def entry(self) -> Entry:
        return Entry(
            task=self.task,
            submit=self.submit,
            call=self.call,
            submitted=self.submitted,
            attempts=self.attempts(),
            result=self.result,
            body=self.body,
            received=self.received,
            output=self.output,
        )


class Delivered(_Change, frozen=True):
    """The client of these tasks has their results."""

    tasks: TaskRanges
    at: float = 0.0


class Resubmitted(_Change, frozen=True):
    """`task` was submitted again, as the task `again`."""

    task: TaskId
    again: TaskId


class Purged(_Change, frozen=True):
    """Somebody wants these tasks to be forgotten; those that have not ended stay."""

    tasks: TaskRanges
    at: float = 0.0


class Missed(_Change, frozen=True):
    """Of these tasks, something could not be kept; `why` is for people. `delivered`: their clients have their results
    all the same."""

    tasks: TaskRanges
    at: float = 0.0
    why: str = ""
    delivered: bool = False

    @property
    def kind(self) -> str:
        """What a store calls their absence."""
        return UNWRITTEN if self.delivered else MISSED


class Expired(_Change, frozen=True):
    """The results of these tasks are not kept for their clients any more, which have not fetched them in time."""

    tasks: TaskRanges
    at: float = 0.0


class HeldFunction(_Change, frozen=True):
    """A function that tasks call, or a part of one; `body`: its bytes, where they are too long for its message.

    A store keeps it for as long as an entry names it.
    """

    function: Function
    body: Bytes | None = None


class ClientKnown(_Change, frozen=True):
    """A client is there: what it says of itself, and whether its unfinished tasks end with it."""

    session: SessionId
    who: Who = Who()
    withdraw: bool = False


class Stopped(_Change, frozen=True):
    """The cluster was stopped on purpose: no later one goes on with what has not ended."""

    at: float


_OfOne = Submitted | Sent | Ended | Resubmitted
_OfMany = Delivered | Purged | Missed | Expired
Change = _OfOne | _OfMany | HeldFunction | ClientKnown | Stopped
