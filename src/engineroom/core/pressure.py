"""What is kept for a client is bounded in bytes: at its bound, none of its tasks is started, and nothing is dropped.

A session has room for `Limits.own_bytes` in any case. Beyond that it takes more, each time as much as it has, from what
all sessions share, until it has `Limits.kept_bytes`. So for each result one sum and one comparison are enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.prefetch import ask_all_back
from engineroom.core.sessions import Session
from engineroom.core.task_states import State

if TYPE_CHECKING:  # the state holds sessions
    from engineroom.core.state import ControllerState

RESULT_BYTES = 512
"""What a kept result takes beside its payload."""


def press(state: ControllerState, session: Session) -> None:
    """`session` keeps more than it has room for: it is given more, or paused."""
    if not session.paused and not make_room(state, session, 0):
        pause(state, session)


def make_room(state: ControllerState, session: Session, size: int) -> bool:
    """Return whether so much more may be kept for `session`, which is given more room if there is."""
    limits = state.limits
    while session.kept_bytes + size > session.room:
        more = min(max(session.room, 1), limits.kept_bytes - session.room)
        if more <= 0 or state.granted + more > limits.all_kept_bytes:
            return False
        session.room += more
        session.granted += more
        state.granted += more
    if session.granted:
        session.low = limits.own_bytes // 2
    return True


def relieve(state: ControllerState, session: Session) -> None:
    """`session` keeps little again: its room goes back, or its pause may end."""
    if session.paused:
        state.relieved[session] = None
    else:
        give_back(state, session)


def give_back(state: ControllerState, session: Session) -> None:
    """Return the room that `session` had from what all share."""
    state.granted -= session.granted
    session.granted = session.low = 0
    session.room = state.limits.own_bytes


def pause(state: ControllerState, session: Session) -> None:
    """Start no more tasks of `session`; what engines have not started is asked back."""
    session.paused = True
    session.low = session.room // 2 + 1
    state.paused[session] = None
    for pool in state.pools.values():
        pool.queue.park(session)
    for engine in state.engines.values():
        theirs = [task for task in engine.held.values() if task.session is session and task.state is State.SENT]
        if theirs:
            ask_all_back(state, theirs, engine)
            session.asked += theirs


def may_go_on(session: Session) -> bool:
    """Whether the pause of `session` may end: there is room, and every engine has answered what it was asked."""
    while session.asked and session.asked[-1].state is not State.REVOKING:
        session.asked.pop()
    room = session.kept_bytes < session.low and not session.returns
    return room and not session.behind and not session.asked
