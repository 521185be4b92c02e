"""Clients attach again to a controller that has just started: the answer waits until it knows the call.

Clients come back in any order. Whoever was told at once that a call is unknown would ask again too late: by then, the
client of that call may have fetched its result, of which nothing is kept afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.presence.agenda import Key, Kind
from engineroom.core.sessions import Session
from engineroom.ids import Peer, SessionId, TaskId, session_of
from engineroom.protocol.attaching import Attach

if TYPE_CHECKING:  # the state holds sessions
    from engineroom.core.state import ControllerState

MOST_WAITING = 1000
"""So many wait for an answer, others have theirs at once."""

_PATIENCE = 5
"""So many times `reattach_grace` a client may take to come back of which nobody has said anything."""

EarlyAttach = tuple[Peer, Attach]


def waits(state: ControllerState, peer: Peer, message: Attach) -> bool:
    """Have the answer wait if there may be more to say soon; return whether it does."""
    early = state.early_attaches
    if not message.task or len(early) >= MOST_WAITING or not _may_come(state, session_of(TaskId(message.task))):
        return False
    early.append((peer, message))
    _look_later(state)
    return True


def is_untold(state: ControllerState, owner: Session) -> bool:
    """Whether a client has yet to say to this controller, which goes on for another one, what it has no results of."""
    return state.first_attempt > 0 and not owner.told


def take_due(state: ControllerState) -> list[EarlyAttach]:
    """Return those who need not wait any more, or have waited for long enough."""
    due: list[EarlyAttach] = []
    left: list[EarlyAttach] = []
    for each in state.early_attaches:
        (left if _may_come(state, session_of(TaskId(each[1].task))) else due).append(each)
    state.early_attaches = left
    if left:
        _look_later(state)
    return due


def leave(state: ControllerState, peer: Peer, task: bytes) -> None:
    """A client does not want to know of this call any more."""
    state.early_attaches = [each for each in state.early_attaches if each[0] != peer or each[1].task != task]


def _may_come(state: ControllerState, id_: SessionId) -> bool:
    """Whether this client may have yet to say what it has submitted; or engines, what they hold of that."""
    owner, since, grace = state.sessions.get(id_), state.now - state.restored_at, state.limits.reattach_grace
    if owner is None:
        return since < _PATIENCE * grace
    return is_untold(state, owner) and (owner.peer is not None or since < grace)


def _look_later(state: ControllerState) -> None:
    key, when = Key(Kind.ATTACHES), state.now + state.limits.reattach_grace
    if key not in state.presence.agenda:
        state.presence.agenda.put(key, when)
        state.wake(when)
