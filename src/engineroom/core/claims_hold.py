"""What must hold of claims after every event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.claims import Raised
from engineroom.core.presence.agenda import Key, Kind
from engineroom.core.sessions import Session
from engineroom.core.task_states import State
from engineroom.core.tasks import Task

if TYPE_CHECKING:  # the state calls this
    from engineroom.core.state import ControllerState


def check_claims(state: ControllerState, session: Session) -> None:
    """Assert that the claims of `session` are what engines hold. O(everything): for tests."""
    assert state.first_attempt or not session.claims
    for number, claim in session.claims.items():
        if isinstance(claim, Task) and claim.state is not State.ENDED:
            assert session.tasks[number] is claim
            assert not claim.submit.task or number <= session.stored_up_to
            assert claim.submit.task or claim.target >= 0
        elif isinstance(claim, Raised):
            assert number not in session.tasks
            assert number not in session.results
    for number, task in session.tasks.items():
        assert task.submit.task or session.claims.get(number) is task or task.state is State.RETURNING


def check_recovery(state: ControllerState) -> None:
    """Assert that nothing is held back for ever."""
    recovery = state.recovery
    assert (recovery is None) == (Key(Kind.RECOVERY) not in state.presence.agenda)
    if recovery is not None:
        assert all(not engine.lost and not engine.met for engine in recovery.expected)
    for task, known in state.held_back.items():
        assert task.state is State.WAITING
        assert task.session.tasks[task.number] is task
        waits = task.session in state.returning if known else task.submit.awaits is not None and not task.session.told
        assert recovery is not None or waits or state.late or (known and task.session.withdraw)
    assert all(not engine.lost and not engine.met for engine in state.late)
    assert bool(state.returning) <= (Key(Kind.RETURNS) in state.presence.agenda)
    for session in state.returning:
        assert not session.told
        assert state.sessions[session.id] is session
