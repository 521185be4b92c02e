"""Large results are announced before they come: each is asked for once there is room for what its client keeps here.

Until then it waits in its engine, which is bounded as well. Its task has ended there, and is nobody's load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.actions import Accept
from engineroom.core.edges import is_input
from engineroom.core.engines import Engine
from engineroom.core.placement import feed, unassign
from engineroom.core.prefetch import count_large
from engineroom.core.pressure import RESULT_BYTES, make_room, pause, press
from engineroom.core.sessions import Session
from engineroom.core.task_states import Cause, State, step
from engineroom.core.tasks import Task
from engineroom.core.waiting import resume
from engineroom.ids import Peer, TaskId
from engineroom.protocol.messages import Finished, Status

if TYPE_CHECKING:  # the state holds engines
    from engineroom.core.state import ControllerState


class Return:
    """A result on its way. `size`: what it will take here; it counts for its session from when it is `asked` for."""

    __slots__ = ("asked", "body", "engine", "needed", "size", "task")

    def __init__(self, task: Task, engine: Engine, size: int, body: object) -> None:
        self.task, self.engine, self.size, self.body = task, engine, size, body
        self.asked = False
        self.needed = False
        """Asked for because other tasks take it as an argument: it counts with their arguments."""


def announced(state: ControllerState, peer: Peer, message: Finished, body: object) -> None:
    """An engine has a large result: have it come, now or later."""
    engine = state.engine_peers.get(peer)
    if engine is None:
        return
    task = engine.held.get(message.task)
    if task is None or not _is_wanted(task, engine, message):
        state.out.append(Accept(body))  # what it is good for is decided when it is here
        return
    assert not isinstance(message.body, bytes)
    its = engine.returns[task.id] = Return(task, engine, RESULT_BYTES + message.body.size, body)
    if is_input(task.session, task.number):
        _need(state, its)
    elif not task.session.returns and _has_room(state, task.session, its.size):
        _ask(state, its)
    else:
        _leave_there(state, its)


def will_retry(task: Task) -> bool:
    """Whether a task that has raised is to run once more."""
    return task.errors < task.submit.options.retries and task.withdrawn is None


def _is_wanted(task: Task, engine: Engine, message: Finished) -> bool:
    """Whether what is announced will be kept for a client."""
    return (
        task.attempt == message.attempt
        and task.id not in engine.returns
        and message.number not in engine.unacknowledged
        and not (message.outcome.status == Status.ERROR and will_retry(task))
    )


def _has_room(state: ControllerState, session: Session, size: int) -> bool:
    """Whether so much more may be kept for `session`; one result in any case."""
    if not session.kept_bytes:
        return True
    if session.paused:
        return session.kept_bytes + size <= session.room
    return make_room(state, session, size)


def _ask(state: ControllerState, its: Return) -> None:
    session = its.task.session
    its.asked = True
    session.kept_bytes += its.size
    state.out.append(Accept(its.body))
    if session.kept_bytes > session.room:
        press(state, session)


def _need(state: ControllerState, its: Return) -> None:
    its.asked = its.needed = True
    its.task.session.input_bytes += its.size
    state.input_bytes += its.size
    state.out.append(Accept(its.body))


def need(state: ControllerState, task: Task) -> None:
    """A task takes the result of `task` as an argument: it comes, if it waits in its engine."""
    session = task.session
    its = None if task.engine is None else task.engine.returns.get(task.id)
    if its is not None and not its.asked:
        del session.returns[its]
        if session.paused and not session.returns:
            state.relieved[session] = None
        _need(state, its)


def _leave_there(state: ControllerState, its: Return) -> None:
    """There is no room: the result waits in its engine, which may run something else."""
    task, engine = its.task, its.engine
    session = task.session
    session.returns[its] = None
    if task.target < 0:
        session.used -= task.cost  # it will be counted as what it was
    unassign(state, task, engine)
    step(task, Cause.RETURNS)
    task.engine = engine
    engine.progress = state.now
    engine.stalled = False
    if not session.paused:
        pause(state, session)
    if engine.to_free > 0:
        make_engine_room(state, engine)
    if engine.lines:
        resume(state, engine)
    feed(state, engine)


def ask_for_more(state: ControllerState, session: Session) -> None:
    """Ask for the results of `session` that wait in engines, as far as there is room."""
    while session.returns:
        its = next(iter(session.returns))
        if not _has_room(state, session, its.size):
            return
        del session.returns[its]
        _ask(state, its)


def make_engine_room(state: ControllerState, engine: Engine) -> None:
    """`engine` is full, which holds others back: what has to go from there comes, though there is no room here."""
    need = engine.to_free - sum(its.size for its in engine.returns.values() if its.asked)
    for its in [its for its in engine.returns.values() if not its.asked]:
        if need <= 0:
            return
        need -= its.size
        del its.task.session.returns[its]
        _ask(state, its)


def arrived(state: ControllerState, engine: Engine, task_id: TaskId) -> None:
    """A result of this task is here, or will never be: it is `finished` that counts it from now on."""
    its = engine.returns.pop(task_id, None)
    if its is not None:
        _over(state, its)


def broken_off(state: ControllerState, engine: Engine) -> None:
    """Nothing comes from `engine` for now: it announces again what it has if it comes back."""
    its_returns, engine.returns = list(engine.returns.values()), {}
    for its in its_returns:
        _over(state, its)


def _over(state: ControllerState, its: Return) -> None:
    """Count `its` no more; its task is again one that runs on its engine, as far as is known."""
    task, engine, session = its.task, its.engine, its.task.session
    if its.needed:
        session.input_bytes -= its.size
        state.input_bytes -= its.size
    elif its.asked:
        session.kept_bytes -= its.size
    else:
        del session.returns[its]
    if session.paused:
        state.relieved[session] = None
    if task.state is State.RETURNING and task.engine is engine:
        step(task, Cause.STARTED)
        engine.held[task.id] = task
        task.cost = 0.0
        if task.target >= 0:
            engine.direct += 1
        if task.large:
            count_large(state, engine, 1, task.large)
