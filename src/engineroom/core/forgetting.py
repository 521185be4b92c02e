"""A task is no unfinished one any more: what all ends of a task have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.actions import DropFunction
from engineroom.core.task_states import Cause, step
from engineroom.core.tasks import MeasuredFunction, Task

if TYPE_CHECKING:  # the state holds tasks
    from engineroom.core.state import ControllerState


def forget(state: ControllerState, task: Task) -> None:
    """Take `task`, which no engine holds, out of all that counts unfinished tasks."""
    step(task, Cause.ENDED)
    if task.pool is not None:
        task.pool.users -= 1
    session = task.session
    del session.tasks[task.number]
    session.submitted_bytes -= task.size
    function = task.function
    function.users -= 1
    if not function.users and function.hash:
        function_is_idle(state, function.hash)


def function_of(state: ControllerState, hash_: bytes) -> MeasuredFunction:
    """Return what is known of a function; made if it is new."""
    function = state.functions.get(hash_)
    if function is None:
        # As long as a function is unknown, tiny tasks had better not queue up behind it.
        function = state.functions[hash_] = MeasuredFunction(hash_, state.limits.prefetch_seconds)
    return function


def function_is_idle(state: ControllerState, hash_: bytes) -> None:
    """No unfinished task names this function: remember it for a while."""
    state.idle_functions[hash_] = None
    if len(state.idle_functions) > state.limits.idle_functions:
        oldest, _ = state.idle_functions.popitem(last=False)
        del state.functions[oldest]
        state.away.pop(oldest, None)
        state.out.append(DropFunction(oldest))
