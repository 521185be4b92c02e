"""What has happened to tasks, for whoever keeps a record of it.

It is a second list of actions, which the shell takes once per batch of messages: one entry for each task, made at its
end, that holds what the core has anyway. So a record costs a task one tuple.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

from engineroom.core.acknowledgements import acknowledge
from engineroom.ids import Instance, SessionId
from engineroom.protocol.texts import brief

if TYPE_CHECKING:  # the state holds all this
    from engineroom.core.engines import Engine
    from engineroom.core.outputs import KeptOutput
    from engineroom.core.state import ControllerState
    from engineroom.core.tasks import Kept, Task
    from engineroom.protocol.task_ranges import Ranges, TaskRanges

MOST_TRIES = 100
"""So many attempts of a task are remembered: the first ones."""

Ending: TypeAlias = "tuple[Task, Kept, KeptOutput | None]"
"""A task that has ended, how it did, and what it wrote. One whose `submit` names no task is a claim (see `claims`): it
is noted again if its client submits it."""


class Try(msgspec.Struct, frozen=True, gc=False):
    """An attempt after which its task went on. `words`: how it ended; `at`: when, by the clock of the core."""

    attempt: int
    engine: int
    instance: Instance
    host: str
    words: str
    at: float


class Reception(msgspec.Struct, frozen=True, gc=False):
    """A client has received the results of all tasks up to `up_to`, and of `also`."""

    session: SessionId
    up_to: int
    also: Ranges = ()


class Journal:
    """What nobody has taken yet. `early`: tasks are noted when they are submitted and start, too, and engines keep
    results until these are `committed`."""

    __slots__ = ("committed", "early", "ended", "expired", "last", "received", "started", "submitted", "uncommitted")

    def __init__(self, *, early: bool = False) -> None:
        self.early = early
        self.submitted: list[Task] = []
        self.started: list[Task] = []
        self.ended: list[Ending] = []
        self.received: list[Reception] = []
        self.expired: list[TaskRanges] = []
        """Results that were dropped because no client has fetched them."""
        self.last = 0
        """Number of the last end that was noted, where these are committed; of the ends up to `committed`, all are."""
        self.committed = 0
        self.uncommitted: list[Kept] = []
        """Results that their clients have, and whose ends are not committed."""

    def __bool__(self) -> bool:
        return bool(self.ended or self.submitted or self.received or self.started or self.expired)


def note_try(state: ControllerState, task: Task, engine: Engine, words: str) -> None:
    """An attempt of `task` has ended on `engine`, and the task goes on."""
    if state.recording and len(task.tries) < MOST_TRIES:
        ended = Try(task.attempt, engine.id, engine.instance, engine.info.host, brief(words, 500), state.now)
        task.tries = (*task.tries, ended)


def release_result(state: ControllerState, kept: Kept) -> None:
    """A result need not be kept for its client any more: its engine may forget it once its end is committed."""
    if kept.record > state.journal.committed:
        state.journal.uncommitted.append(kept)
    else:
        acknowledge(state, kept.engine, kept.number)


def committed(state: ControllerState, up_to: int) -> None:
    """All ends up to this number are where they survive the controller, or never will be. O(uncommitted)."""
    journal = state.journal
    journal.committed = max(journal.committed, up_to)
    waiting, journal.uncommitted = journal.uncommitted, []
    for kept in waiting:
        release_result(state, kept)
