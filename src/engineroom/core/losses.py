"""What becomes of the tasks of an engine that has died.

Not started: they run elsewhere, ahead of newcomers. Started: again elsewhere or not, as their options say.
Engines announce a start only if asked to (`Run.announce`) or when a task takes a while; so at a task's first
death it may be unknown whether it had started. It then runs again, announced, and nothing is counted; from
the second death on it is known. Only the first in the dead engine's order is under suspicion when no task was
known to run, and suspicions beyond the first count as losses: a task that kills engines ends LOST after
`max_engine_losses` deaths and at most one more, and the tasks that waited behind it are never blamed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.attempts import put_back
from engineroom.core.engines import Engine
from engineroom.core.placement import unassign
from engineroom.core.results import give_up, lost
from engineroom.core.task_states import Cause, State, step
from engineroom.core.tasks import Task

if TYPE_CHECKING:  # the state holds tasks
    from engineroom.core.state import ControllerState


def lose_tasks(state: ControllerState, engine: Engine, cause: str) -> None:
    """Decide about all that `engine`, which is gone, held."""
    tasks = list(engine.held.values())
    running = {task.id for task in tasks if task.state is State.STARTED}
    suspect = None if running else _first(tasks)
    again = []
    for task in tasks:
        ran = task.id in running
        unassign(state, task, engine)
        outcome = lost(words) if (words := _verdict(task, engine, cause, ran=ran, suspect=task is suspect)) else None
        if task.withdrawn is not None and not ran:
            give_up(state, task, task.withdrawn, engine.id)
        elif outcome is not None:
            give_up(state, task, outcome, engine.id)
        else:
            step(task, Cause.AGAIN)
            again.append(task)
    put_back(state, again)


def _first(tasks: list[Task]) -> Task | None:
    """Return the task that the engine would have run first: direct ones go ahead."""
    return next((task for task in tasks if task.target >= 0), tasks[0] if tasks else None)


def _verdict(task: Task, engine: Engine, cause: str, *, ran: bool, suspect: bool) -> str:
    """Return why `task` ends here, "" if it is to run again; count what must be counted."""
    if task.target >= 0:
        return f"engine {engine.id} died ({cause}) " + (
            "while it ran this task" if ran else "before this task had ended"
        )
    task.deaths += 1
    if not ran and not suspect:
        return ""
    task.causes += (f"engine {engine.id} ({cause})",)
    if ran:
        task.losses += 1
    else:
        task.suspicions += 1
    return _blame(task, ran=ran)


def _blame(task: Task, *, ran: bool) -> str:
    """Return why a task that ran, or may have run, when its engine died ends here; "" if it does not."""
    options = task.submit.options
    words = f"this task was running when {', '.join(task.causes)} died"
    if ran and task.withdrawn is not None:
        return f"{words}; it had been aborted"
    if ran and not options.rerun_lost:
        task.errors += 1
        return words if task.errors > options.retries else ""
    counted = max(0, task.suspicions - 1) + (task.losses if options.rerun_lost else 0)
    return words if counted >= options.max_engine_losses else ""
