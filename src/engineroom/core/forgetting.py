"""A task is no unfinished one any more: what all ends of a task have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.actions import DropFunction
from engineroom.core.edges import wait_no_more
from engineroom.core.families import leave_family
from engineroom.core.task_states import Cause, step
from engineroom.core.tasks import MeasuredFunction, Task

if TYPE_CHECKING:  # the state holds tasks
    from engineroom.core.sessions import Session
    from engineroom.core.state import ControllerState


def forget(state: ControllerState, task: Task) -> None:
    """Take `task`, which no engine holds, out of all that counts unfinished tasks."""
    step(task, Cause.ENDED)
    if task.waits is not None:
        wait_no_more(state, task, task.waits)
    if task.pool is not None:
        task.pool.users -= 1
    if state.forced:
        state.forced.pop(task.id, None)
    session = task.session
    del session.tasks[task.number]
    session.submitted_bytes -= task.size
    if task.submit.within:
        leave_family(state, task)
    function = task.function
    function.users -= 1
    if not function.users and function.hash:
        state.idle_functions[function.hash] = None
        state.idle_function_bytes += function.size
        owner = function.owner
        if type(owner) is not bool and owner.peer is None:
            drop_function(state, function.hash)  # nobody else has ever named it
        elif _too_many_idle(state):
            _bound_idle_functions(state, spared=0)


def function_of(state: ControllerState, hash_: bytes) -> MeasuredFunction:
    """Return what is known of a function; made if it is new."""
    function = state.functions.get(hash_)
    if function is None:
        # As long as a function is unknown, tiny tasks had better not queue up behind it.
        function = state.functions[hash_] = MeasuredFunction(hash_, state.limits.prefetch_seconds)
    return function


def function_used(state: ControllerState, function: MeasuredFunction, session: Session) -> None:
    """Something of `session` besides tasks names this function from now on."""
    if not function.users and state.idle_functions.pop(function.hash, 0) is None:
        state.idle_function_bytes -= function.size
    if function.owner is not session:
        function.owner = function.owner is not False or session
    function.users += 1


def function_is_idle(state: ControllerState, hash_: bytes) -> None:
    """No unfinished task names this function: remember it for a while."""
    state.idle_functions[hash_] = None
    state.idle_function_bytes += state.functions[hash_].size
    _bound_idle_functions(state, spared=1)  # one that has just come is about to be named


def function_size(state: ControllerState, hash_: bytes, size: int) -> None:
    """A function has come that is so large, with its parts."""
    function = function_of(state, hash_)
    if hash_ in state.idle_functions:
        state.idle_function_bytes += size - function.size
    function.size = size
    if not function.users and hash_ not in state.idle_functions:
        function_is_idle(state, hash_)


def _bound_idle_functions(state: ControllerState, *, spared: int) -> None:
    while len(state.idle_functions) > spared and _too_many_idle(state):
        drop_function(state, next(iter(state.idle_functions)))


def _too_many_idle(state: ControllerState) -> bool:
    limits = state.limits
    return len(state.idle_functions) > limits.idle_functions or state.idle_function_bytes > limits.idle_function_bytes


def drop_functions_of(state: ControllerState, session: Session) -> None:
    """The client of `session` is gone: forget the functions that no unfinished task names, and only it has named."""
    for hash_ in [hash_ for hash_ in state.idle_functions if state.functions[hash_].owner is session]:
        drop_function(state, hash_)


def drop_function(state: ControllerState, hash_: bytes) -> None:
    """Forget a function that no unfinished task names."""
    del state.idle_functions[hash_]
    state.idle_function_bytes -= state.functions.pop(hash_).size
    state.away.pop(hash_, None)
    state.out.append(DropFunction(hash_))
