"""What engines say of the tasks that they were sent, and what becomes of those when an engine dies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.acknowledgements import acknowledge, arrived
from engineroom.core.engines import Engine
from engineroom.core.placement import assign, feed, place, unassign
from engineroom.core.prefetch import refresh
from engineroom.core.results import finish, give_up, lost
from engineroom.core.task_states import Cause, State, step
from engineroom.core.tasks import Task
from engineroom.ids import Peer, TaskId
from engineroom.protocol.messages import Finished, Interrupt, Output, Status, TasksStarted

if TYPE_CHECKING:  # the state holds tasks
    from engineroom.core.state import ControllerState


def queue(state: ControllerState, task: Task, *, front: bool = False) -> None:
    """Have a balanced QUEUED task run by whoever may; it ends LOST if nobody ever can."""
    pool = task.pool
    assert pool is not None
    if pool.allowed is not None and not pool.engines and hopeless(state, pool.allowed):
        give_up(state, task, lost(nowhere(state, pool.allowed)))
    else:
        task.announce = task.losses > 0 or task.suspicions > 0 or not task.submit.options.rerun_lost
        place(state, task, pool, front=front)


def hopeless(state: ControllerState, allowed: frozenset[int]) -> bool:
    """Whether all these engines are gone for good."""
    return all(engine not in state.engines and state.was_used(engine) for engine in allowed)


def nowhere(state: ControllerState, allowed: frozenset[int]) -> str:
    """Return in words why a task for these engines ends LOST."""
    gone = [
        f"engine {engine} ({state.departed_ids[engine].cause})" if engine in state.departed_ids else f"engine {engine}"
        for engine in sorted(allowed)
    ]
    return f"this task may run on no engine that is left; gone: {', '.join(gone) or 'none was named'}"


def finished(state: ControllerState, peer: Peer, message: Finished, body: object = None) -> None:
    """An attempt has ended."""
    engine = state.engine_peers.get(peer)
    if engine is None:
        return
    if not arrived(engine, message.number):
        if message.number not in engine.unacknowledged:
            acknowledge(state, engine, message.number)
        return
    task = engine.held.get(message.task)
    if task is None or task.attempt != message.attempt:
        acknowledge(state, engine, message.number)
        return
    if task.state is State.SENT and task.target < 0:
        engine.waiting -= 1
    unassign(state, task, engine)
    engine.completed += 1
    engine.progress = state.now
    engine.stalled = False
    outcome = message.outcome
    function = task.function
    function.learn(outcome.seconds, state.limits.task_overhead)
    if task.target < 0:
        task.session.used += outcome.seconds + state.limits.task_overhead - task.cost
    if outcome.status == Status.ERROR and task.errors < task.submit.options.retries and task.withdrawn is None:
        acknowledge(state, engine, message.number)
        refresh(state, engine)
        _retry(state, task, engine)
    else:
        finish(state, task, engine, message, body)
    feed(state, engine)


def _retry(state: ControllerState, task: Task, engine: Engine) -> None:
    """`task` raised on `engine`: once more, elsewhere if there is an elsewhere."""
    task.errors += 1
    step(task, Cause.AGAIN)
    if task.target >= 0:
        assign(state, task, engine)
        return
    task.failed_on += (engine.id,)
    queue(state, task, front=True)


def started(state: ControllerState, peer: Peer, task_id: TaskId, attempt: int) -> None:
    """An attempt runs, or an engine that was asked for it says that it is too late."""
    engine = state.engine_peers.get(peer)
    task = None if engine is None else engine.held.get(task_id)
    if engine is None or task is None or task.attempt != attempt or task.state is State.STARTED:
        return
    if task.state is State.SENT and task.target < 0:
        engine.waiting -= 1
    step(task, Cause.STARTED)
    refresh(state, engine)
    state.send(task.session.peer, TasksStarted(engine.id, (task.id,)))
    if task.interrupt:
        state.send(engine.peer, Interrupt(task.id, attempt))


def revoked(state: ControllerState, peer: Peer, task_id: TaskId, attempt: int) -> None:
    """An engine has given an attempt back."""
    engine = state.engine_peers.get(peer)
    task = None if engine is None else engine.held.get(task_id)
    if engine is not None and task is not None and task.attempt == attempt and task.state is State.REVOKING:
        given_back(state, task, engine)
        feed(state, engine)


def given_back(state: ControllerState, task: Task, engine: Engine) -> None:
    """`engine` has not started `task` and never will."""
    unassign(state, task, engine)
    if task.withdrawn is not None:
        give_up(state, task, task.withdrawn)
    else:
        step(task, Cause.AGAIN)
        queue(state, task, front=True)


def output(state: ControllerState, peer: Peer, message: Output) -> None:
    """A task wrote something: for its client, if that is there and the attempt is the current one."""
    engine = state.engine_peers.get(peer)
    task = None if engine is None else engine.held.get(message.task)
    if task is not None and task.attempt == message.attempt:
        state.send(task.session.peer, message)
