"""An engine that keeps too much which nobody has acknowledged starts nothing: others run its balanced tasks meanwhile.

What is here for good, though not yet with its client, it may then forget: a client that does not read would hold back
everybody else's tasks on this engine. (Should the controller end before the client has it, the task runs again.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.acknowledgements import acknowledge, tell
from engineroom.core.engines import Engine
from engineroom.core.placement import feed
from engineroom.core.prefetch import ask_back, refresh
from engineroom.core.returns import make_engine_room
from engineroom.core.tasks import Kept, Task
from engineroom.ids import Peer
from engineroom.protocol.messages import Full

if TYPE_CHECKING:  # the state holds engines
    from engineroom.core.state import ControllerState


def engine_full(state: ControllerState, peer: Peer, message: Full) -> None:
    """An engine is full, or (with 0 bytes) goes on."""
    engine = state.engine_peers.get(peer)
    if engine is None or engine.peer is None:
        return
    engine.full = message if message.kept else None
    engine.closed = engine.full is not None or bool(engine.first)
    engine.to_free = max(0, message.kept - message.limit // 2)
    if engine.full is None:
        feed(state, engine)
        return
    for task in reversed(list(engine.spare.values())):
        ask_back(state, task, engine)
    refresh(state, engine)
    _release(state, engine)
    make_engine_room(state, engine)
    tell(state, engine)


def arrived_while_full(state: ControllerState, engine: Engine, task: Task) -> None:
    """A result of `engine` is here that was on its way when it said that it is full: it may forget that too."""
    kept = task.session.results.get(task.number)
    if kept is not None and kept.engine is engine:
        _forget(state, engine, kept)
        tell(state, engine)


def _release(state: ControllerState, engine: Engine) -> None:
    """Let `engine` forget results that are kept here, the oldest first. O(all that is kept)."""
    here = [kept for session in state.sessions.values() for kept in session.results.values() if kept.engine is engine]
    for kept in sorted(here, key=lambda kept: kept.finished):
        if engine.to_free <= 0:
            return
        _forget(state, engine, kept)


def _forget(state: ControllerState, engine: Engine, kept: Kept) -> None:
    engine.to_free -= kept.size
    number, kept.engine, kept.number = kept.number, None, 0
    acknowledge(state, engine, number)
