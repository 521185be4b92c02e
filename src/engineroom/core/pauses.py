"""The end of a session's pause, and what happens to its direct tasks meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.engines import Engine
from engineroom.core.placement import assign, drain
from engineroom.core.prefetch import refresh
from engineroom.core.pressure import may_go_on, pause
from engineroom.core.prospects import end_hopeless
from engineroom.core.results import give_up_all, lost
from engineroom.core.sessions import Session
from engineroom.core.tasks import Task
from engineroom.ids import Peer

if TYPE_CHECKING:  # the state holds sessions
    from engineroom.core.state import ControllerState


def park(task: Task, engine: Engine) -> None:
    """Let a direct QUEUED task, bound to `engine`, wait for the end of its session's pause."""
    task.session.parked[task.number] = (task, engine)


def client_behind(state: ControllerState, peer: Peer, *, behind: bool) -> None:
    """A client has stopped reading what it is sent, or has caught up."""
    session = state.clients.get(peer)
    if session is not None:
        set_behind(state, session, behind=behind)


def set_behind(state: ControllerState, session: Session, *, behind: bool) -> None:
    """Pause `session` while its client is behind."""
    session.behind = behind
    if not behind:
        state.relieved[session] = None
    elif not session.paused:
        pause(state, session)


def go_on(state: ControllerState) -> None:
    """End the pauses that may end."""
    due, state.relieved = state.relieved, {}
    for session in due:
        if not session.paused:
            continue
        if may_go_on(session):
            _end_pause(state, session)
        elif session.asked:
            state.relieved[session] = None


def _end_pause(state: ControllerState, session: Session) -> None:
    session.paused = False
    session.low = state.limits.own_bytes // 2 if session.granted else 0
    del state.paused[session]
    _assign_parked(state, session)
    for pool in list(state.pools.values()):
        if not session.paused:
            pool.queue.unpark(session)
    end_hopeless(state)
    for pool in list(state.pools.values()):
        drain(state, pool)


def _assign_parked(state: ControllerState, session: Session) -> None:
    """Send the direct tasks that have waited, in the order of their numbers."""
    touched: dict[Engine, None] = {}
    for number in sorted(session.parked):
        if session.paused:
            break
        task, engine = session.parked.pop(number)
        assign(state, task, engine)
        touched[engine] = None
    for engine in touched:
        refresh(state, engine)


def lose_parked(state: ControllerState, engine: Engine, cause: str) -> None:
    """`engine` is gone: the direct tasks that wait for it here end."""
    for session in list(state.paused):
        over = [task for task, its in session.parked.values() if its is engine]
        for task in over:
            del session.parked[task.number]
        give_up_all(state, over, lost(f"engine {engine.id} died ({cause}) before this task had ended"), engine.id)
