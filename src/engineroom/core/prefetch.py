"""How many tasks an engine is sent in advance, and when it is asked to return some.

An engine is sent tasks until it has work for `prefetch_seconds`, by the measured run times of their functions:
hundreds of tiny ones, none beyond the running one if that is long. While a function is unknown, and for
medium ones, one more than what runs.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from engineroom.core.engines import CLOSED, Engine
from engineroom.core.holding import withdraw
from engineroom.core.task_states import Cause, step
from engineroom.core.tasks import Task
from engineroom.protocol.messages import Revoke
from engineroom.protocol.task_ranges import attempt_ranges

if TYPE_CHECKING:  # the state holds engines
    from engineroom.core.state import ControllerState

_VICTIMS = 4
"""How many engines are looked at for one that falls idle..."""
_LOOKS = 64
"""... and how many of the tasks of each."""
_MOST_PATIENCE, _PATIENT = 20, 10.0
"""`Limits.patience` grows so many times at most, for so many seconds, where engines turn out to be well."""
_GUESSES = 16
"""How often in a while engines are asked because they are late. If this process is late itself, what they say lies in
its sockets, and they have done all that they are asked for. So it takes tasks that come back to go on asking."""


def level_of(state: ControllerState, engine: Engine) -> int:
    """Return what Engine.level should be."""
    if engine.closed or engine.silent_since is not None or engine.waiting:
        return CLOSED
    held = len(engine.held)
    if not held:
        return 0
    limits = state.limits
    load = engine.load
    if engine.stalled:
        return CLOSED
    if load >= limits.prefetch_seconds:
        if held > 1 or load >= limits.medium_seconds:
            return CLOSED
    elif held >= limits.prefetch_tasks:
        return CLOSED
    return 1 + int(load / limits.task_overhead).bit_length()


def fits(state: ControllerState, task: Task, engine: Engine) -> bool:
    """Whether `task` is short enough to wait on `engine`, which has room, rather than here."""
    if not engine.held or engine.load + task.function.cost <= state.limits.medium_seconds:
        return True
    return state.limits.policy == "pure"


def refresh(state: ControllerState, engine: Engine, level: int | None = None) -> None:
    """Update level and rich of `engine`, and all that depends on them. `level`: what it should be, if that is known."""
    if level is None:
        level = level_of(state, engine)
    if level != engine.level:
        if level == 0:
            state.idle[engine] = None
        elif engine.level == 0:
            del state.idle[engine]
        engine.level = level
        for pool in engine.pools:
            pool.update(engine)
    rich = len(engine.held) > 1 and len(engine.spare) > 0 and engine.peer is not None
    if rich != engine.rich:
        engine.rich = rich
        if rich:
            state.rich[engine] = None
        else:
            del state.rich[engine]


def count_large(state: ControllerState, engine: Engine, tasks: int, size: int) -> None:
    """`engine` holds that many more large tasks (or fewer, if negative), of `size` bytes in all."""
    engine.large_tasks += tasks
    engine.large_bytes += size
    limits = state.limits
    # Once there are too many, further ones come when half of them have ended: several at a time, in one message.
    most = limits.large_tasks // 2 + 1 if engine.large_full else limits.large_tasks
    many = engine.large_tasks >= most or engine.large_bytes >= limits.large_bytes
    engine.large_full = engine.large_tasks > 0 and many
    for pool in engine.pools:
        if pool.needs.large:
            pool.update(engine)


def stalled(state: ControllerState, engine: Engine) -> bool:
    """Whether `engine` has been busy for longer than all that it holds should take."""
    return bool(engine.held) and state.now - engine.progress > engine.load + state.patience


def goes_on(state: ControllerState, engine: Engine, seconds: float) -> None:
    """`engine` seemed to be stuck, and has ended what took it `seconds`.

    If that does not explain it, its word came late: this process has more to read than it can in time, or the engine
    to write. For a while, such delays make nobody seem stuck.
    """
    engine.stalled = False
    late = state.now - engine.progress - seconds
    if late > state.patience:
        most = _MOST_PATIENCE * state.limits.patience
        state.patience, state.patient_until = min(2 * late, most), state.now + _PATIENT


def be_as_before(state: ControllerState) -> None:
    """Be no more patient than at first, if it is time."""
    if state.now >= state.patient_until:
        state.patience = state.limits.patience


def take_back(state: ControllerState, idle: Engine) -> bool:
    """Ask a busy engine to give something back for `idle` to run. Return whether one was asked.

    Not worth it for what will be done in a few ms. A queue that should be, and then is not, is looked at again
    a little later.
    """
    limits = state.limits
    if limits.policy == "pure":  # tasks stay where their turn has put them
        return False
    for engine in list(islice(state.rich, _VICTIMS)):
        state.rich.move_to_end(engine)
        late = stalled(state, engine)
        rest = engine.load - (state.now - engine.progress)
        if late and not _may_guess(state):
            _look_again(state, state.guesses_until)
        elif late or rest > limits.prefetch_seconds:
            number = max(1, int(limits.prefetch_seconds * len(engine.held) / engine.load)) if late else 1
            if _ask_some_back(state, engine, idle, number):
                state.guesses -= late
                return True
        else:
            _look_again(state, state.now + max(rest, 0.0) + state.patience)
    return False


def _may_guess(state: ControllerState) -> bool:
    """Whether one more engine may be asked because it is late."""
    if state.now >= state.guesses_until:
        state.guesses, state.guesses_until = _GUESSES, state.now + state.limits.patience
    return state.guesses > 0


def guessed_right(state: ControllerState) -> None:
    """An engine has given something back: ask others as well."""
    state.guesses += 2


def _look_again(state: ControllerState, when: float) -> None:
    if state.rebalance_at is None:
        state.rebalance_at = when
        state.wake(when)


def _ask_some_back(state: ControllerState, engine: Engine, idle: Engine, number: int) -> bool:
    """Ask `engine` for up to `number` of the tasks that it was sent last and that may run on `idle`."""
    last = islice(reversed(engine.spare.values()), max(number, _LOOKS))
    chosen = list(islice((task for task in last if _may_move(task, idle)), number))
    if len(chosen) > 1:
        ask_all_back(state, chosen[::-1], engine)
        return True
    for task in chosen:
        ask_back(state, task, engine)
    refresh(state, engine)
    return bool(chosen)


def _may_move(task: Task, idle: Engine) -> bool:
    return task.pool is not None and task.pool.admits(idle) and idle.id not in task.failed_on


def ask_back(state: ControllerState, task: Task, engine: Engine) -> None:
    """Ask `engine` for a SENT task; nothing is decided before it answers or is lost.

    Whoever calls this refreshes `engine`.
    """
    _is_asked_for(task, engine)
    state.send(engine.peer, Revoke(task.id, task.attempt))


def ask_all_back(state: ControllerState, tasks: list[Task], engine: Engine) -> None:
    """Ask `engine` for SENT tasks, in the order of sending: few messages, after each of which it has started none.

    The last ones go first, since an engine that starts one meanwhile must have started all direct ones before it.
    """
    for task in tasks:
        _is_asked_for(task, engine)
    refresh(state, engine)
    if engine.peer is not None:  # else when it is back
        withdraw(state, engine, list(attempt_ranges((task.id, task.attempt) for task in tasks)))


def _is_asked_for(task: Task, engine: Engine) -> None:
    step(task, Cause.ASKED_BACK)
    engine.spare.pop(task.id, None)
    if task.target >= 0:
        engine.recalled += 1


def rebalance(state: ControllerState) -> None:
    """Let idle engines take from those that have turned out to be busy with something long."""
    for engine in list(state.idle):
        if not state.rich or not take_back(state, engine):
            return
