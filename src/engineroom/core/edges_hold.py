"""What must hold of tasks that wait for others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.edges import INPUT, Prerequisites, who_waits
from engineroom.core.sessions import Session
from engineroom.core.task_states import State
from engineroom.core.tasks import Task
from engineroom.protocol.messages import Awaits, Condition
from engineroom.protocol.task_ranges import found_in

if TYPE_CHECKING:  # the state holds tasks
    from engineroom.core.state import ControllerState


def check_edges(state: ControllerState) -> None:
    """Assert that each edge is known at both ends, and that nobody waits for what has ended."""
    assert not state.news
    assert state.input_bytes == sum(session.input_bytes for session in state.sessions.values())
    assert state.staying_bytes == sum(session.staying_bytes for session in state.sessions.values())
    with_deadline = 0
    for session in state.sessions.values():
        users: dict[int, int] = {}
        edges: set[tuple[int, int, int]] = set()
        for task in session.tasks.values():
            if task.waits is not None:
                edges |= _check_task(session, task, task.waits, users)
                with_deadline += task.waits.gates.due > 0
        there = {
            (number, task.number, bit)
            for number, known in session.awaited.items()
            for task, way in who_waits(known)
            for bit in (1, 2, 4)
            if way & bit
        }
        assert edges <= there
        assert all(session.tasks.get(number) is not None for _, number, _ in there)
        assert all(number in session.tasks or number in session.unsent for number in session.awaited)
        for number, kept in session.results.items():
            assert users.get(number, 0) == (0 if kept.use is None else kept.use.users)
            assert kept.use is None or kept.use.counted == (kept.use.users > 0 and not kept.use.stays)
            assert (session.staying.get(number) is kept) == (kept.use is not None and kept.use.stays)
        assert session.staying.keys() <= session.results.keys()
    assert with_deadline == state.on_time


def _check_task(session: Session, task: Task, waits: Prerequisites, users: dict[int, int]) -> set[tuple[int, int, int]]:
    awaits, gates = task.submit.awaits or Awaits(), waits.gates
    missing = [number for number in waits.inputs if not _is_here(session, number)]
    assert waits.missing == len(missing)
    for number in waits.inputs:
        if number not in missing:
            users[number] = users.get(number, 0) + 1
    # Of what is withdrawn because one of these failed, that one is forgotten.
    edges = {(number, task.number, INPUT) for number in missing if task.withdrawn is None}
    for condition, gate, way in ((awaits.after, gates.after, 1), (awaits.follow, gates.follow, 2)):
        if gate is not None:
            left = _unfinished(session, condition)
            assert gate.left == len(left)
            edges |= {(number, task.number, way) for number in left}
    if task.state is not State.WAITING:
        assert gates.after is None
        assert gates.follow is None
        stays = task.withdrawn is None and task.state not in (State.REVOKING, State.RETURNING)
        for number in missing if stays else ():
            other = session.tasks.get(number)
            assert number in session.results or (other is not None and other.engine is task.engine)
    return edges


def _is_here(session: Session, number: int) -> bool:
    kept = session.results.get(number)
    return kept is not None and not kept.result.outcome.status


def _unfinished(session: Session, condition: Condition | None) -> list[int]:
    assert condition is not None
    ranges = [(first, last) for _, first, last in condition.tasks]
    return found_in(ranges, {**session.tasks, **session.unsent})
