"""How long tasks wait for others at most."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from engineroom.core.edges import Gates
from engineroom.core.refusals import Refusal
from engineroom.core.tasks import Task
from engineroom.core.waiting import end_all

if TYPE_CHECKING:  # the state holds tasks
    from engineroom.core.state import ControllerState

_FEW = 32


def set_deadline(state: ControllerState, task: Task, gates: Gates, seconds: float) -> None:
    """Have `task` end unless what it waits for has happened within `seconds`. O(log tasks with a deadline)."""
    gates.due = state.now + seconds
    heappush(state.deadlines, (gates.due, task.session.id, task.number))
    state.on_time += 1
    if len(state.deadlines) > 2 * state.on_time + _FEW:
        state.deadlines = [entry for entry in state.deadlines if _waits(state, entry) is not None]
        heapify(state.deadlines)
    state.wake(state.deadlines[0][0])


def has_waited(state: ControllerState, gates: Gates) -> None:
    """What a task waited for has happened in time."""
    gates.due = 0.0
    state.on_time -= 1


def end_overdue(state: ControllerState) -> None:
    """End the tasks that have waited for too long."""
    while state.deadlines and state.deadlines[0][0] <= state.now:
        task = _waits(state, heappop(state.deadlines))
        if task is not None:
            seconds = 0.0 if task.submit.awaits is None else task.submit.awaits.timeout
            words = f"the tasks on which it depends have not ended as they must within {seconds:g} s"
            end_all(state, [task], Refusal(words, name="DependencyTimeout").outcome)


def _waits(state: ControllerState, entry: tuple[float, bytes, int]) -> Task | None:
    """Return the task that waits until then; None if it waits no more."""
    due, session_id, number = entry
    session = state.sessions.get(session_id)  # type: ignore[call-overload]  # a session's id is bytes
    task: Task | None = None if session is None else session.tasks.get(number)
    return task if task is not None and task.waits is not None and task.waits.gates.due == due else None
