"""Tasks that tasks have submitted: they end with these, and run in their places while these wait for them.

A task that waits keeps its engine. So that this can't stop everything, its engine runs what descends from it meanwhile,
and what tasks have bound to this engine. Then no tasks can wait for each other: whoever waits, waits for tasks that
started later than it did, its children or what runs in its place. The one that started last can always go on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from engineroom.core.engines import Engine
from engineroom.core.task_states import State
from engineroom.core.tasks import Task
from engineroom.core.unwanted import Withdrawal
from engineroom.ids import TaskId
from engineroom.protocol.messages import Outcome, Status

if TYPE_CHECKING:  # the state holds families
    from engineroom.core.state import ControllerState

_AT_ONCE = 64
"""An engine whose task waits is sent so many of the task's descendants at most."""

ENDED = "the task that made this call has ended: a task's calls end with it. Wait for their results in the task"


class Family:
    """A task that an engine runs, and the unfinished tasks that it has submitted, by number."""

    __slots__ = ("children", "parent")

    def __init__(self, parent: Task) -> None:
        self.parent = parent
        self.children: dict[int, Task] = {}


def adopt(state: ControllerState, task: Task, parent: Task) -> None:
    """`task` was submitted by `parent`, which runs."""
    family = state.families.get(parent.id)
    if family is None:
        family = state.families[parent.id] = Family(parent)
    family.children[task.number] = task


def leave_family(state: ControllerState, task: Task) -> None:
    """A task that was submitted by another one is no unfinished one any more."""
    id_ = TaskId(task.submit.within)
    family = state.families.get(id_)
    if family is not None and family.children.get(task.number) is task:
        del family.children[task.number]
        if not family.children:
            del state.families[id_]


def end_family(state: ControllerState, parent: Task) -> None:
    """An attempt of `parent` is over: what it has submitted, and not waited for, is withdrawn soon."""
    family = state.families.pop(parent.id)
    _withdraw_children(state, family, Outcome(Status.ABORTED, 0.0, 0.0, ENDED))


def interrupt_family(state: ControllerState, parent: Task) -> None:
    """`parent` is to be interrupted: first of all what it waits for."""
    family = state.families.get(parent.id)
    if family is not None:
        _withdraw_children(state, family, Outcome(Status.ABORTED, 0.0, 0.0))


def _withdraw_children(state: ControllerState, family: Family, outcome: Outcome) -> None:
    numbers = list(family.children)
    session = family.children[numbers[0]].session  # they all come from one engine
    state.withdrawals.append(Withdrawal(session, numbers, outcome, interrupt=True))
    state.wake(state.now)


def descends_from(state: ControllerState, task: Task, ancestor: TaskId) -> bool:
    """Whether `task` was submitted by `ancestor`, or by one that was, and so on."""
    return ancestor in _ancestors(state, task)


def _ancestors(state: ControllerState, task: Task) -> Iterator[TaskId]:
    """Yield the task that submitted `task`, the one that submitted that, and so on."""
    within = task.submit.within
    while within:
        yield TaskId(within)
        family = state.families.get(TaskId(within))
        within = b"" if family is None else family.parent.submit.within


def on_behalf_of(state: ControllerState, task: Task, engine: Engine) -> bytes:
    """Return the task in whose place `task` may run on `engine`, b"" for none."""
    within = task.submit.within
    if not engine.waiting:
        return within
    top = engine.waiting[-1]
    if task.target < 0 and within not in engine.held and descends_from(state, task, top):
        return top
    return within


def who_waits(state: ControllerState, task: Task) -> Engine | None:
    """Return an engine that has room for `task` because an ancestor of it waits there; None: there is none."""
    for ancestor in _ancestors(state, task):
        family = state.families.get(ancestor)
        engine = None if family is None else family.parent.engine
        if engine is not None and engine.waiting and engine.waiting[-1] == ancestor and _may_run(state, task, engine):
            return engine
    return None


def next_descendant(state: ControllerState, engine: Engine) -> Task | None:
    """Return what an engine, whose task waits, runs next on its behalf; None: nothing now, or there is no room."""
    if not has_room(state, engine):
        return None
    ids = [engine.waiting[-1]]
    for id_ in ids:
        family = state.families.get(id_)
        if family is None:
            continue
        for child in family.children.values():
            if child.state is State.QUEUED and not child.session.paused and _is_for(child, engine):
                return child
            if child.id in state.families:
                ids.append(child.id)
    return None


def has_room(state: ControllerState, engine: Engine) -> bool:
    """Whether an engine whose task waits may be sent one more descendant of it."""
    if engine.closed or engine.silent_since is not None:
        return False
    waiting = set(engine.waiting)
    sent = sum(1 for task in engine.held.values() if task.submit.within and task.id not in waiting)
    return not sent or (sent < _AT_ONCE and engine.load < state.limits.prefetch_seconds)


def _may_run(state: ControllerState, task: Task, engine: Engine) -> bool:
    return _is_for(task, engine) and has_room(state, engine)


def _is_for(task: Task, engine: Engine) -> bool:
    return task.pool is not None and engine in task.pool.engines and engine.id not in task.failed_on
