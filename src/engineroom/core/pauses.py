"""The end of a session's pause, and what happens to its direct tasks meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.outputs import catch_up
from engineroom.core.placement import drain, feed
from engineroom.core.pressure import may_go_on, pause
from engineroom.core.prospects import end_hopeless
from engineroom.core.returns import ask_for_more
from engineroom.core.sessions import Session
from engineroom.core.waiting import go_on_for
from engineroom.ids import Peer

if TYPE_CHECKING:  # the state holds sessions
    from engineroom.core.state import ControllerState


def client_behind(state: ControllerState, peer: Peer, *, behind: bool) -> None:
    """A client has stopped reading what it is sent, or has caught up."""
    session = state.clients.get(peer)
    if session is not None:
        set_behind(state, session, behind=behind)


def set_behind(state: ControllerState, session: Session, *, behind: bool) -> None:
    """Pause `session` while its client is behind."""
    session.behind = behind
    if not behind:
        catch_up(state, session)
        state.relieved[session] = None
    elif not session.paused:
        pause(state, session)


def go_on(state: ControllerState) -> None:
    """End the pauses that may end."""
    due, state.relieved = state.relieved, {}
    for session in due:
        if not session.paused:
            continue
        if session.returns:
            ask_for_more(state, session)
        if may_go_on(session):
            _end_pause(state, session)
        elif session.asked:
            state.relieved[session] = None


def _end_pause(state: ControllerState, session: Session) -> None:
    session.paused = False
    session.low = state.limits.own_bytes // 2 if session.granted else 0
    del state.paused[session]
    go_on_for(state, session)
    for pool in list(state.pools.values()):
        if not session.paused:
            pool.queue.unpark(session)
    end_hopeless(state)
    for pool in list(state.pools.values()):
        drain(state, pool)
    if session.within is not None and session.within.waiting:
        feed(state, session.within)
