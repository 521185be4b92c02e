"""The life of a task, as a table."""

from __future__ import annotations

from enum import IntEnum

import msgspec


class State(IntEnum):
    """Where a task is. A task that has ended is forgotten; its result is kept until it is delivered."""

    QUEUED = 0
    """In the controller, waiting for an engine."""
    SENT = 1
    """On an engine, not known to have started."""
    STARTED = 2
    """On an engine, which has said that it runs."""
    REVOKING = 3
    """On an engine that is asked to give it back and has not answered."""
    ENDED = 4
    WAITING = 5
    """In the controller: its function or its arguments are on their way, or, of a direct task, those of one before it.
    It takes no engine's time and counts as nobody's load."""
    RETURNING = 6
    """It has ended on an engine, where its result waits until there is room for it in the controller."""


class Cause(IntEnum):
    """What happens to a task."""

    ASSIGNED = 0
    STARTED = 1
    ASKED_BACK = 2
    AGAIN = 3
    """It is to run once more: given back, failed with retries left, or its engine is lost."""
    ENDED = 4
    LACKING = 5
    """Its function has turned out not to be there."""
    COMPLETE = 6
    """All that it waited for is there."""
    RETURNS = 7
    """It has ended, and its result can't come yet."""


NEXT: dict[tuple[State, Cause], State] = {
    (State.QUEUED, Cause.ASSIGNED): State.SENT,
    (State.QUEUED, Cause.ENDED): State.ENDED,
    (State.QUEUED, Cause.LACKING): State.WAITING,
    (State.WAITING, Cause.COMPLETE): State.QUEUED,
    (State.WAITING, Cause.ENDED): State.ENDED,
    (State.SENT, Cause.STARTED): State.STARTED,
    (State.SENT, Cause.ASKED_BACK): State.REVOKING,
    (State.SENT, Cause.AGAIN): State.QUEUED,
    (State.SENT, Cause.ENDED): State.ENDED,
    (State.STARTED, Cause.AGAIN): State.QUEUED,
    (State.STARTED, Cause.ENDED): State.ENDED,
    (State.STARTED, Cause.ASKED_BACK): State.REVOKING,
    (State.REVOKING, Cause.STARTED): State.STARTED,
    (State.REVOKING, Cause.AGAIN): State.QUEUED,
    (State.REVOKING, Cause.ENDED): State.ENDED,
    (State.SENT, Cause.RETURNS): State.RETURNING,
    (State.STARTED, Cause.RETURNS): State.RETURNING,
    (State.REVOKING, Cause.RETURNS): State.RETURNING,
    (State.RETURNING, Cause.STARTED): State.STARTED,
    (State.RETURNING, Cause.ENDED): State.ENDED,
}
"""A pair that is not here is a bug, not a case."""

_ROWS = tuple(tuple(NEXT.get((state, cause)) for cause in Cause) for state in State)


class HasState(msgspec.Struct, gc=False, eq=False):
    """Whatever lives by the table."""

    state: State


class ImpossibleStepError(AssertionError):
    """A bug: something happened to a task that can't happen to it."""


def step(task: HasState, cause: Cause) -> None:
    """Move `task` on because of `cause`."""
    state = _ROWS[task.state][cause]
    if state is None:
        raise ImpossibleStepError(f"{cause.name} cannot happen to a task that is {task.state.name}")
    task.state = state
