"""For which other tasks a task waits, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.refusals import name_of
from engineroom.core.task_states import State
from engineroom.protocol.task_ranges import found_in

if TYPE_CHECKING:  # for its types alone
    from engineroom.core.edges import Prerequisites
    from engineroom.core.tasks import Task
    from engineroom.protocol.messages import Condition


def why_it_waits(task: Task, waits: Prerequisites) -> str:
    """Return what `task` waits for: "the results of 2 other tasks, first task X (waiting)"."""
    session, awaits, gates = task.session, task.submit.awaits, waits.gates
    if waits.missing:
        first = next(number for number in waits.inputs if number not in session.results)
        count = _count(waits.missing, "the result", "the results")
        return f"{count}, first {name_of(session, first)} ({_state(task, first)})"
    assert awaits is not None
    gate, condition = (gates.after, awaits.after) if gates.after is not None else (gates.follow, awaits.follow)
    assert gate is not None
    assert condition is not None
    first = min(found_in(_ranges(condition), {**session.tasks, **session.unsent}), default=0)
    every = "the end" if gate.every else "one of the ends"
    return f"{_count(gate.left, every, every)}, first {name_of(session, first)} ({_state(task, first)})"


def _ranges(condition: Condition) -> list[tuple[int, int]]:
    return [(first, last) for _, first, last in condition.tasks]


def _count(number: int, one: str, several: str) -> str:
    return f"{one} of another task" if number == 1 else f"{several} of {number} other tasks"


def _state(task: Task, number: int) -> str:
    other = task.session.tasks.get(number)
    if other is None:
        return "its client is asked for it again"
    return {State.STARTED: "running", State.WAITING: "waiting as well"}.get(other.state, other.state.name.lower())
