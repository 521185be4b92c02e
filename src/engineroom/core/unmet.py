"""Engines that find that they are none for a task: it goes to others, until all have refused it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.attempts import note_departure, put_back
from engineroom.core.engines import Engine
from engineroom.core.holding import held_attempt
from engineroom.core.placement import Pool, feed, move, pool_for, unassign
from engineroom.core.results import cannot, give_up
from engineroom.core.task_states import Cause, step
from engineroom.core.tasks import Task
from engineroom.core.waiting import resume
from engineroom.ids import Peer
from engineroom.protocol.messages import Unmet

if TYPE_CHECKING:  # the state holds tasks
    from engineroom.core.state import ControllerState


def unmet(state: ControllerState, peer: Peer, message: Unmet) -> None:
    """An engine has found that it is none for a task: another one runs it; if there is none, it ends."""
    found = held_attempt(state, peer, message.task, message.attempt)
    if found is None:
        return
    task, engine = found
    unassign(state, task, engine)
    if task.withdrawn is not None:
        give_up(state, task, task.withdrawn)
    elif task.pool is None:
        give_up(state, task, cannot(message.words, name="UnmetDependency"), engine.id)
    else:
        step(task, Cause.AGAIN)
        note_departure(state, task, engine)
        _try_others(state, task, task.pool, engine, message.words)
    resume(state, engine)
    feed(state, engine)


def _try_others(state: ControllerState, task: Task, pool: Pool, engine: Engine, words: str) -> None:
    """Have a balanced QUEUED task run on an engine that has not refused it, of those that are in now."""
    left = tuple(sorted(other.id for other in state.engines.values() if other is not engine and pool.admits(other)))
    if not left:
        give_up(
            state, task, cannot(f"no engine meets what this task asks for (engine {engine.id}: {words})"), engine.id
        )
        return
    move(task, pool_for(state, pool.needs._replace(engines=left)))
    put_back(state, [task])
