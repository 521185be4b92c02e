"""An attempt runs: its client is told, and it is not asked back any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.engines import Engine
from engineroom.core.forcing import limit_time
from engineroom.core.prefetch import refresh
from engineroom.core.task_states import Cause, State, step
from engineroom.core.tasks import Task
from engineroom.core.waiting import resume
from engineroom.core.watching import tell_started
from engineroom.protocol.messages import Interrupt, TasksStarted
from engineroom.protocol.task_ranges import one_task

if TYPE_CHECKING:  # the state holds tasks
    from engineroom.core.state import ControllerState


def mark_started(state: ControllerState, task: Task, engine: Engine) -> None:
    """`engine` runs `task`; no harm if that is known."""
    if task.state is State.STARTED:
        return
    was_recalled = task.state is State.REVOKING
    step(task, Cause.STARTED)
    if was_recalled and task.target >= 0:
        engine.recalled -= 1
        resume(state, engine)
    engine.spare.pop(task.id, None)
    refresh(state, engine)
    if state.journal.early:
        state.journal.started.append(task)
    message = TasksStarted(engine.id, one_task(task.id))
    state.send(task.session.peer, message)
    tell_started(state, task, message)
    if task.interrupt:
        state.send(engine.peer, Interrupt(task.id, task.attempt))
    if task.submit.options.terms is not None and task.id not in state.forced:
        limit_time(state, task)
