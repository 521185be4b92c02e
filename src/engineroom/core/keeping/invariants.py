"""What must hold of kept calls after every event."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the state calls this
    from engineroom.core.state import ControllerState


def check_keeping(state: ControllerState) -> None:
    """Assert that kept calls are where they belong, and within their bounds."""
    of_sessions = {call.id: call for session in state.sessions.values() for call in session.kept.values()}
    assert of_sessions == state.kept
    for session in state.sessions.values():
        assert sum(call.size for call in session.kept.values()) <= state.limits.keep_bytes
    for call in state.kept.values():
        assert call.whole or call.body is None or call.session.peer is not None
    for engine in state.engines.values():
        assert all(state.kept.get(id_) is step.call for id_, step in engine.first.items())
        unsent = [step for step in engine.first.values() if not (step.sent or step.error)]
        if engine.peer is not None:
            assert engine.unready == bool(unsent)
            assert not unsent or not unsent[0].call.whole or unsent[0].call.function.away
