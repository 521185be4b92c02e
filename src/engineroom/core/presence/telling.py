"""Tells clients of engines that do not answer, or have lost their connections: for whoever waits for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.engines import Engine
from engineroom.core.sessions import Session
from engineroom.protocol.messages import EngineSilent

if TYPE_CHECKING:
    from engineroom.core.state import ControllerState


def tell_clients(state: ControllerState, engine: Engine) -> None:
    """Tell every client how it stands with `engine`."""
    for session in state.clients.values():
        tell_client(state, session, engine)


def tell_client(state: ControllerState, session: Session, engine: Engine) -> None:
    """Tell one client for how long `engine` has been silent, 0: it is not; and how many of its tasks are there."""
    seconds = 0.0 if engine.silent_since is None else max(0.001, state.now - engine.silent_since)
    tasks = sum(task.session is session for task in engine.held.values())
    message = EngineSilent(engine.id, engine.instance, seconds, tasks, away=not engine.connected)
    state.send(session.peer, message)


def is_here_again(state: ControllerState, engine: Engine) -> None:
    """`engine` has connected: it is silent no longer."""
    engine.dismissed = ""
    if engine.silent_since is not None:
        engine.silent_since = None
        tell_clients(state, engine)
