"""What happens to the tasks of an engine that has died.

Not started: they run elsewhere, ahead of newcomers. Started: again elsewhere or not, as their options say.

Who ran when it died is known where a host could look (`Loss.running`). Elsewhere engines announce a start only if
asked to (`Run.announce`) or when a task takes a while; so at a task's first death it may be unknown whether it had
started. It then runs again, announced, and nothing is counted; from the second death on it is known. Only the first in
the dead engine's order is under suspicion when no task was known to run, and suspicions beyond the first count as
losses: a task that kills engines ends LOST after `max_engine_losses` deaths and at most one more, and the tasks that
waited behind it are never blamed.

A task that ran when an engine ended by its own doing is not run on the last engine that may run it, unless others are
to come: it would take that one along as well, and with it everybody else's work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from engineroom.core.attempts import put_back
from engineroom.core.blame import Death, death_of, last_words, where, with_last_words
from engineroom.core.engines import Engine
from engineroom.core.holding import first_of
from engineroom.core.journal import note_try
from engineroom.core.placement import pool_of, unassign
from engineroom.core.prospects import can_lose_another
from engineroom.core.results import give_up_all, lost
from engineroom.core.task_states import Cause, State, step
from engineroom.core.tasks import Task
from engineroom.core.waiting import end_on
from engineroom.ids import TaskId
from engineroom.protocol.messages import Outcome

if TYPE_CHECKING:  # the state holds tasks
    from engineroom.core.state import ControllerState


class Loss(msgspec.Struct, frozen=True):
    """How an engine ended that will not come back. `cause` in words: "killed by SIGKILL".

    `own`: it ended by its own doing (it exited, crashed or ran out of memory), not by a signal from outside.
    `running`: the (task, attempt) pairs that it ran when it ended, None if nobody knows. `words`: what it
    wrote last and where its log is, in a few lines.
    """

    cause: str
    own: bool = False
    running: tuple[tuple[TaskId, int], ...] | None = None
    words: str = ""


def lose_tasks(state: ControllerState, engine: Engine, loss: Loss) -> None:
    """Decide about all that `engine`, which is gone, held."""
    tasks = list(engine.held.values())
    blamed = _blamed(tasks, loss)
    again = []
    over: dict[tuple[int, str], tuple[Outcome, list[Task]]] = {}
    for task in tasks:
        ran = task.state is State.STARTED or (loss.running is not None and task in blamed)
        unassign(state, task, engine)
        suspected = task in blamed
        death = death_of(engine, task, loss.cause, last_words(task, loss.words) if ran or suspected else "")
        note_try(state, task, engine, _how_it_was_lost(death, ran=ran, blamed=suspected))
        words = _verdict(state, task, death, loss, ran=ran, blamed=suspected)
        if task.withdrawn is not None and (not ran or _was_killed_for(state, task)):
            over.setdefault((id(task.withdrawn), ""), (task.withdrawn, []))[1].append(task)
        elif words:
            over.setdefault((0, words), (lost(words), []))[1].append(task)
        else:
            step(task, Cause.AGAIN)
            task.attempt = max(task.attempt, state.first_attempt)
            again.append(task)
    for outcome, alike in over.values():
        give_up_all(state, alike, outcome, engine.id)
    put_back(state, again)
    left = f"{where(engine.id, engine.info.host)} died ({loss.cause}) before this task had ended"
    end_on(state, engine, lost(left))


def _how_it_was_lost(death: Death, *, ran: bool, blamed: bool) -> str:
    """Return what is recorded of an attempt that its engine took along."""
    said = f". {death.words}" if death.words else ""
    if ran:
        return f"its engine died while it ran ({death.cause}){said}"
    return f"its engine died ({death.cause})" + (said if blamed else " before it had started")


def _was_killed_for(state: ControllerState, task: Task) -> bool:
    """Whether `task` cost its engine its life: then it has been decided how it ends."""
    forced = state.forced.get(task.id)
    return forced is not None and forced.killed


def _blamed(tasks: list[Task], loss: Loss) -> list[Task]:
    """Return the tasks that may have ended their engine: those that ran, or else the one that would have run first."""
    if loss.running is not None:
        return [task for task in tasks if (task.id, task.attempt) in loss.running]
    return [task for task in tasks if task.state is State.STARTED] or first_of(tasks)


def _verdict(state: ControllerState, task: Task, death: Death, loss: Loss, *, ran: bool, blamed: bool) -> str:
    """Return why `task` ends here, "" if it is to run again; count what must be counted."""
    options = task.submit.options
    if task.target >= 0:
        when = "while it ran this task" if ran else "before this task had ended"
        return with_last_words(f"{death.where} died ({loss.cause}) {when}", (death,))
    task.deaths += 1
    aborted = ran and task.withdrawn is not None
    if not blamed and not aborted and (options.rerun_lost or not ran):
        return ""
    task.died += (death,)
    if ran:
        task.losses += 1
    else:
        task.suspicions += 1
    words = f"this task was running when {', '.join(death.in_short for death in task.died)} died"
    if _is_over(task, ran=ran):
        return with_last_words(words + ("; it had been aborted" if aborted else ""), task.died)
    if loss.own and blamed and not can_lose_another(state, pool_of(task)):
        return with_last_words(f"{words}. It will not run again: {_left(state, task)}", task.died)
    return ""


def _is_over(task: Task, *, ran: bool) -> bool:
    """Whether a task that ran, or may have run, when its engine died has had enough."""
    options = task.submit.options
    if ran and task.withdrawn is not None:
        return True
    if ran and not options.rerun_lost:
        task.errors += 1
        return task.errors > options.retries
    return losses_of(task) >= options.max_engine_losses


def losses_of(task: Task) -> int:
    """Return how many losses of engines count against `max_engine_losses`."""
    return max(0, task.suspicions - 1) + (task.losses if task.submit.options.rerun_lost else 0)


def _left(state: ControllerState, task: Task) -> str:
    """Return in words who is left to run a task that has just ended an engine: one, or none."""
    pool = pool_of(task)
    left = [engine.id for engine in state.engines.values() if pool.admits(engine)]
    fit = " that may run it" if pool.allowed is not None or pool.asks is not None else ""
    return f"engine {left[0]} is the last one left{fit}" if left else f"no engine is left{fit}"
