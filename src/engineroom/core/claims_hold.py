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
            assert claim.submit.task == b""
            assert claim.target >= 0
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
    for task in state.held_back:
        assert task.state is State.WAITING
        assert task.session.tasks[task.number] is task
        assert recovery is not None or (task.submit.awaits is not None and not task.session.told)
