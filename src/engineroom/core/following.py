"""Tasks that run where others ran: in the same processes, not in later ones under their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.edges import Prerequisites
from engineroom.core.engines import Engine
from engineroom.core.lines import release
from engineroom.core.placement import move, pool_for
from engineroom.core.refusals import Refusal
from engineroom.core.results import give_up_all
from engineroom.core.tasks import Task

if TYPE_CHECKING:  # the state holds tasks
    from engineroom.core.state import ControllerState


def bind(state: ControllerState, task: Task, waits: Prerequisites) -> None:
    """Have a task, which is in no queue, run in one of the processes that it follows. Refusal: it can't."""
    lives = waits.gates.following or frozenset()
    if not lives:
        raise Refusal("the tasks that it follows did not all run on one engine")
    engines = [state.lives[life] for life in sorted(lives) if life in state.lives]
    if not engines:
        raise Refusal("the engine that ran the tasks it follows has ended, or none ran them")
    if task.pool is None:
        if all(engine.id != task.target for engine in engines):
            raise Refusal(f"it is bound to engine {task.target}, and the tasks that it follows ran elsewhere")
        return
    ids = tuple(engine.id for engine in engines if task.pool.admits(engine))
    if not ids:
        ran = ", ".join(str(engine.id) for engine in engines)
        raise Refusal(f"the tasks that it follows ran on engine {ran}, and it may not run there")
    move(task, pool_for(state, task.pool.needs._replace(engines=ids)))


def end_those_who_follow(state: ControllerState, engine: Engine) -> None:
    """`engine` is dead: end the tasks that wait for it because others ran there, unless another one will do.

    O(tasks that wait for it by its id).
    """
    pools = [pool for pool in state.pools.values() if pool.allowed is not None and engine.id in pool.allowed]
    for task in [task for pool in pools for task in pool.queue.tasks() if task.waits is not None]:
        waits, pool = task.waits, task.pool
        following = None if waits is None else waits.gates.following
        if pool is None or following is None or engine.life not in following:
            continue
        left = following & state.lives.keys()
        if left:
            continue
        release(state, task)
        outcome = Refusal(f"engine {engine.id}, which ran the tasks it follows, has ended").outcome
        give_up_all(state, [task], outcome, engine.id)
        pool.queue.discard(task)
