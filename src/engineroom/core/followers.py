"""Tasks on an engine behind those whose results they take: the engine resolves these by itself, so chains are fast.

A task goes there once all the results that it lacks are of tasks that this engine has, and it has room. None stays when
one of those leaves without an end: it could wait for ever, and keep from the engine what it waits for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.edges import INPUT, who_waits
from engineroom.core.engines import CLOSED, Engine
from engineroom.core.nearness import is_far
from engineroom.core.placement import assign
from engineroom.core.prefetch import ask_all_back, fits, refresh
from engineroom.core.task_states import Cause, State, step
from engineroom.core.tasks import Task
from engineroom.core.waiting import FEW, go_on, may_go_behind

if TYPE_CHECKING:  # the state holds tasks
    from engineroom.core.state import ControllerState


def go_behind(state: ControllerState, task: Task) -> None:
    """Send a WAITING task to the engine that has those whose results it lacks, now or when there is room."""
    engine = _where(task)
    if engine is None:
        return
    if task.target >= 0:
        if task.line is not None and task.line.place is engine:
            go_on(state, task.line)
    elif engine.followers or not _has_room(state, task, engine):
        engine.followers.append(task)
    else:
        _send(state, task, engine)


def bring_behind(state: ControllerState, task: Task) -> None:
    """`task` is on an engine: those that take its result may wait for it there."""
    for other, way in who_waits(task.session.awaited.get(task.number)):
        if way & INPUT:
            go_behind(state, other)


def _where(task: Task) -> Engine | None:
    """Return the engine behind whose tasks `task` may wait. O(arguments) if it lacks few, else O(1)."""
    waits, session = task.waits, task.session
    if (
        task.state is not State.WAITING
        or waits is None
        or session.paused
        or task.submit.options.terms is not None
        or task.submit.within
    ):
        return None
    if task.lacks != 1 or not 0 < waits.missing <= FEW:
        return None
    first = next((other for number in waits.inputs if (other := session.tasks.get(number)) is not None), None)
    engine = None if first is None else first.engine
    if engine is None or engine.peer is None or not may_go_behind(task, engine):
        return None
    if task.pool is not None and (
        engine not in task.pool.engines or engine.id in task.failed_on or is_far(task, waits, engine)
    ):
        return None
    return engine


def _has_room(state: ControllerState, task: Task, engine: Engine) -> bool:
    return engine.level != CLOSED and not (task.large and engine.large_full) and fits(state, task, engine)


def _send(state: ControllerState, task: Task, engine: Engine) -> None:
    task.lacks = 0
    step(task, Cause.COMPLETE)
    assign(state, task, engine)
    refresh(state, engine)


def advance(state: ControllerState, engine: Engine) -> None:
    """`engine` has ended tasks: those that can wait there for others come, as far as there is room."""
    followers = engine.followers
    while followers:
        task = followers[0]
        if _where(task) is engine:
            if not _has_room(state, task, engine):
                break
            _send(state, task, engine)
        followers.popleft()
    refresh(state, engine)
    if engine.rich and state.idle and state.rebalance_at is None:  # what lacks nothing any more may run elsewhere
        state.rebalance_at = state.now + state.limits.prefetch_seconds
        state.wake(state.rebalance_at)


def is_ready_there(task: Task, engine: Engine) -> None:
    """A task that waits on `engine` for nothing but its turn can be asked back."""
    if task.target < 0 and task.state is State.SENT:
        engine.spare[task.id] = task


def recall(state: ControllerState, task: Task, engine: Engine) -> None:
    """`task` has left `engine` without an end: ask back what waits there for it, and for that, and so on."""
    found: dict[Task, None] = {task: None}
    todo = [task]
    while todo:
        gone = todo.pop()
        for other, way in who_waits(gone.session.awaited.get(gone.number)):
            if way & INPUT and other.engine is engine and other.state is State.SENT and other not in found:
                found[other] = None
                todo.append(other)
    del found[task]
    if found:
        ask_all_back(state, [other for other in engine.held.values() if other in found], engine)
