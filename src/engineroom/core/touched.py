"""What an event is about, as the core sees it: for a log, when something went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.events import Event, Large
from engineroom.ids import Peer, TaskId, msg_id, number_of, session_of

if TYPE_CHECKING:  # for its type alone: it is the state that went wrong
    from engineroom.core.state import ControllerState


def touched(state: ControllerState, peer: Peer, event: Event) -> dict[str, str]:
    """Return in words the engine, the session and the task that `event` of `peer` is about."""
    found = {"actions": ", ".join(type(action).__name__ for action in state.out[-8:])}
    if (engine := state.engine_peers.get(peer)) is not None:
        found["engine"] = (
            f"id {engine.id}, peer {engine.peer}, holds {len(engine.held)}, level {engine.level}, "
            f"unacknowledged {len(engine.unacknowledged)}"
        )
    if (session := state.clients.get(peer)) is not None:
        found["session"] = (
            f"{session.id.hex()}, {len(session.tasks)} tasks, {len(session.results)} results, known up to "
            f"{session.known_up_to}, delivered up to {session.delivered_up_to}"
        )
    task = getattr(event.message if isinstance(event, Large) else event, "task", None)
    if isinstance(task, bytes):
        found["task"] = _task(state, TaskId(task))
    return found


def _task(state: ControllerState, id_: TaskId) -> str:
    session = state.sessions.get(session_of(id_))
    task = None if session is None else session.tasks.get(number_of(id_))
    if task is None:
        return f"{msg_id(id_)}, not known" if session is None else f"{msg_id(id_)}, not unfinished"
    where = "no engine" if task.engine is None else f"engine {task.engine.id}"
    return f"{msg_id(id_)}, {task.state.name}, attempt {task.attempt}, {where}, target {task.target}"
