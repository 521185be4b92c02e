"""Which engine has large arguments of a task already: it runs there, unless another is done with it sooner.

Only arguments that are results of other tasks, and are here: what an engine lacks of these is sent to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from engineroom.core.edges import Prerequisites
from engineroom.core.engines import CLOSED, Engine
from engineroom.core.inputs import is_made_there
from engineroom.core.prefetch import fits, stalled
from engineroom.core.tasks import Kept, Task
from engineroom.ids import TaskId, task_id

if TYPE_CHECKING:  # the state holds tasks, and pools
    from engineroom.core.placement import Pool
    from engineroom.core.state import ControllerState

_LARGE = 64 * 1024
"""Smaller results are on their way for less time than it takes to run a task elsewhere."""

_BYTES_PER_SECOND = 1e9
_LOOKED_AT = 4
"""For each argument: how many of the engines are looked at that have been sent it."""

Large = Sequence[tuple[TaskId, Kept]]


def large_inputs(task: Task, waits: Prerequisites) -> Large:
    """Return the arguments of `task` that are here and large. O(arguments)."""
    session = task.session
    found = []
    for number in waits.inputs:
        kept = session.results.get(number)
        if kept is not None and kept.size >= _LARGE:
            found.append((task_id(session.id, number), kept))
    return found


def has(engine: Engine, id_: TaskId, kept: Kept) -> bool:
    """Whether `engine` need not be sent a result: it made it, or was sent it, and has not been told to forget it."""
    return is_made_there(kept, engine) or id_ in engine.inputs


def nearest(state: ControllerState, task: Task, waits: Prerequisites, pool: Pool, engine: Engine) -> Engine:
    """Return who runs `task`: `engine`, whose turn it is, or one with room where it is done sooner."""
    large = large_inputs(task, waits)
    if not large:
        return engine
    best, least = engine, engine.load + _seconds(engine, large)
    for other in _those_who_have(large):
        if (
            other not in pool.engines
            or other.level == CLOSED
            or other.id in task.failed_on
            or (task.large and other.large_full)
            or stalled(state, other)
            or not fits(state, task, other)
        ):
            continue
        seconds = other.load + _seconds(other, large)
        if seconds < least:
            best, least = other, seconds
    return best


def is_far(task: Task, waits: Prerequisites, engine: Engine) -> bool:
    """Whether others than `engine` have more of the arguments of `task` that are here, and much of them."""
    if len(waits.inputs) == 1:
        return False
    here = there = 0
    for id_, kept in large_inputs(task, waits):
        if has(engine, id_, kept):
            here += kept.size
        else:
            there += kept.size
    return there > here


def _seconds(engine: Engine, large: Large) -> float:
    """Return how long the arguments are on their way that `engine` lacks."""
    return sum(kept.size for id_, kept in large if not has(engine, id_, kept)) / _BYTES_PER_SECOND


def _those_who_have(large: Large) -> Iterator[Engine]:
    for id_, kept in large:
        sent = () if kept.use is None or kept.use.engines is None else kept.use.engines
        for engine in (kept.engine, *islice(sent, _LOOKED_AT)):
            if engine is not None and has(engine, id_, kept):
                yield engine
