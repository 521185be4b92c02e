"""Tasks that were interrupted and go on: after a grace their engines are killed, where a host starts them again.

An interrupt may be caught, or come to nothing while C code runs. Whether a task that goes on may cost its engine is
said by its client, in advance for its time limit or when it cancels with force. What else that engine holds runs
elsewhere, as after any death; the task that would not end is not run again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from engineroom.core.actions import KillEngine
from engineroom.core.engines import Engine
from engineroom.core.holding import first_of
from engineroom.core.presence.agenda import Key, Kind
from engineroom.core.task_states import State
from engineroom.core.tasks import Task
from engineroom.ids import TaskId, number_of, session_of
from engineroom.protocol.messages import Coming, Outcome, Status

if TYPE_CHECKING:  # the state holds tasks
    from engineroom.core.state import ControllerState

_NOTHING = Coming()


class Forced(msgspec.Struct):
    """A task that has to end. `attempt`: the one that is meant. `why`: it was interrupted, for people. `status`: how it
    ends with its engine, None if that is to be left alone. `late`: it has not ended in time. `killed`: its engine was
    killed for it."""

    attempt: int
    why: str
    status: Status | None
    late: bool = False
    killed: bool = False


def limit_time(state: ControllerState, task: Task) -> None:
    """`task`, which has just started, has a time limit: its engine interrupts it then."""
    terms = task.submit.options.terms
    if terms is None or not terms.time_limit:
        return
    why = f"it ran longer than its time limit of {terms.time_limit:g} s and was interrupted"
    status = Status.OVERDUE if terms.restart else None
    _expect_end(state, task, Forced(task.attempt, why, status), terms.time_limit + state.limits.interrupt_grace)


def end_by_force(state: ControllerState, task: Task) -> None:
    """`task`, which an engine has, is cancelled with force: it is being interrupted, or asked back."""
    forced = Forced(task.attempt, "it was cancelled and interrupted", Status.ABORTED)
    _expect_end(state, task, forced, state.limits.interrupt_grace)


def _expect_end(state: ControllerState, task: Task, forced: Forced, seconds: float) -> None:
    state.forced[task.id] = forced
    _look_at(state, task.id, state.now + seconds)


def _look_at(state: ControllerState, task_id: TaskId, when: float) -> None:
    state.presence.agenda.put(Key(Kind.FORCED, task_id), when)
    state.wake(when)


def forced_due(state: ControllerState, who: bytes) -> None:
    """The grace of a task is over: if it still runs, kill its engine, or have it explained why that can't be."""
    task_id = TaskId(who)
    forced = state.forced.get(task_id)
    if forced is None:
        return
    session = state.sessions.get(session_of(task_id))
    task = None if session is None else session.tasks.get(number_of(task_id))
    engine = None if task is None else task.engine
    if task is None or engine is None or task.attempt != forced.attempt or task.state is State.RETURNING:
        del state.forced[task_id]
        return
    if _may_run(task, engine):
        forced.late = True
        if forced.status is not None and restarts(state, engine):
            _kill(state, task, engine, forced)
    _look_at(state, task_id, state.now + state.limits.interrupt_grace)


def _may_run(task: Task, engine: Engine) -> bool:
    """Whether `task` runs on `engine`, as far as anybody can know: code that holds the GIL keeps it from saying so."""
    if task.state is State.STARTED:
        return True
    held = list(engine.held.values())
    return not any(other.state is State.STARTED for other in held) and task in first_of(held)


def restarts(state: ControllerState, engine: Engine) -> bool:
    """Whether somebody starts `engine` again when it has been killed."""
    return state.hosts.get(engine.host, _NOTHING).restarts


def _kill(state: ControllerState, task: Task, engine: Engine, forced: Forced) -> None:
    assert forced.status is not None
    grace = state.limits.interrupt_grace
    words = f"{forced.why}, but it did not end within {grace:g} s, so engine {engine.id} was restarted"
    task.withdrawn = Outcome(forced.status, 0.0, 0.0, f"the task was ended with its engine: {words}")
    forced.killed = True
    state.out.append(KillEngine(engine.known_as, engine.id, f"task {task.number} does not end: {forced.why}"))


def why_late(state: ControllerState, task: Task, engine: Engine) -> str:
    """Return what is to be said of a task that was interrupted and goes on; "" for others."""
    forced = state.forced.get(task.id)
    if forced is None or not forced.late or engine.peer is None:
        return ""
    words = f"it runs on engine {engine.id}, though {forced.why}: it catches the interrupt, or C code holds it up"
    if forced.killed:
        return f"{words}. The engine is being restarted"
    if forced.status is not None:
        return (
            f"{words}. Nothing would start that engine again, so it was left alone. To end it, run "
            f"`rc.send_signal('SIGKILL', targets={engine.id})`"
        )
    return f"{words}. To have its engine restarted, run `ar.cancel(force=True)`"
