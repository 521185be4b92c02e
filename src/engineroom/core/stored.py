"""Tasks that are known from the store, and that their client, now that it is back, does not want."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.edges import HasEnded
from engineroom.core.forgetting import forget
from engineroom.core.lines import leave, release
from engineroom.core.outputs import drop_output
from engineroom.core.placement import pool_of
from engineroom.core.task_states import State
from engineroom.core.tasks import Task
from engineroom.core.waiting import go_on

if TYPE_CHECKING:  # the state holds tasks
    from engineroom.core.state import ControllerState


def drop_stored(state: ControllerState, tasks: list[Task]) -> None:
    """Forget tasks that no engine has: their client has their results, though the store does not know."""
    lines = {task.line: None for task in tasks if task.line is not None and task.target >= 0}
    for task in reversed(tasks):  # so that the bytes of none are asked for that is about to go
        if task.state is State.WAITING:
            leave(state, task)
        else:
            release(state, task)
            pool_of(task).queue.discard(task)
    for task in tasks:
        forget(state, task)
        drop_output(task.session, task.number)
        if task.number in task.session.awaited:
            state.news.append(HasEnded(task.session, task.number, None))
    for line in lines:
        go_on(state, line)
