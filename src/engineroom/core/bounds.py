"""The limits that are reached now, as data and as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.sessions import Session
from engineroom.protocol.messages import Full

if TYPE_CHECKING:  # the state holds sessions
    from engineroom.core.state import ControllerState

MOST = 20
"""At most this many are listed one by one."""


def why_paused(state: ControllerState, session: Session) -> str:
    """Return the limit that keeps tasks of `session` from starting."""
    limits = state.limits
    if session.behind:
        return "its client is not reading its messages (limit: IPController.max_link_bytes)"
    kept = f"its client has not received {size_in_words(session.kept_bytes)} of results and output"
    if session.room < limits.kept_bytes:
        shared = size_in_words(limits.all_kept_bytes)
        return f"{kept} (limit for all clients: {shared}, IPController.max_total_kept_bytes)"
    return f"{kept} (limit: {size_in_words(limits.kept_bytes)}, IPController.max_kept_bytes)"


def binding(state: ControllerState) -> list[str]:
    """Return one sentence for each client or engine that is waiting because of a limit."""
    found = [_paused(state, session) for session in state.paused]
    found += [_cut(state, session) for session in state.sessions.values() if session.output_cut]
    full = [(engine.id, engine.full) for engine in state.engines.values() if engine.full is not None]
    return [*found, *(f"engine {id_} starts no tasks: {why_full(said)}" for id_, said in full)][:MOST]


def why_full(full: Full) -> str:
    """Return the limit that keeps an engine from starting tasks."""
    return (
        f"the controller has not received {size_in_words(full.kept)} of results and output from it (limit: "
        f"{size_in_words(full.limit)}, IPEngine.max_unacknowledged_bytes)"
    )


def _paused(state: ControllerState, session: Session) -> str:
    there = "connected" if session.peer is not None else "disconnected"
    waiting = sum(task.engine is None for task in session.tasks.values())
    results = len(session.returns)
    counts = [_count(waiting, "task")] if waiting or not results else []
    counts += [_count(results, "result")] if results else []
    verb = "is" if waiting + results == 1 else "are"
    whose = f"of client {session.id.hex()[:8]} ({there})"
    return f"{' and '.join(counts)} {whose} {verb} waiting: {why_paused(state, session)}"


def _cut(state: ControllerState, session: Session) -> str:
    most = size_in_words(state.limits.output_bytes)
    return (
        f"the unfinished tasks of client {session.id.hex()[:8]} have written more than {most}: if the client loses its "
        "connection, it misses the middle of what some of them wrote meanwhile"
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def size_in_words(size: int) -> str:
    """Return `size` in the unit that people would use: "512 MiB"."""
    for unit, factor in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size} bytes"
