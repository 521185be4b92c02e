"""Submit: one balanced task, or one task for each target, numbered on from the first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.actions import DropBody, Record, What
from engineroom.core.attempts import queue
from engineroom.core.not_allowed import LAST_TASK, not_allowed
from engineroom.core.pauses import park
from engineroom.core.placement import Needs, assign, pool_for
from engineroom.core.prefetch import refresh
from engineroom.core.pressure import TASK_BYTES
from engineroom.core.results import give_up, lost
from engineroom.core.sessions import Session
from engineroom.core.task_states import State
from engineroom.core.tasks import MeasuredFunction, Task
from engineroom.core.unsent import take_unsent
from engineroom.ids import INSTANCE_BYTES, Instance, Peer, TaskId, number_of, task_id
from engineroom.protocol.messages import Outcome, Status, Submit

NOT_OF_THIS_CLUSTER = (
    "the engine process that this call was made for is not part of the cluster: it has ended, or the cluster was "
    "started again. To run the call on an engine that is there now, with another namespace, repeat it"
)

if TYPE_CHECKING:  # the state holds tasks
    from engineroom.core.state import ControllerState


def submit(state: ControllerState, peer: Peer, message: Submit, body: object = None) -> None:
    """A client wants `message` done. What has arrived before is ignored, unless its payload had not."""
    session = state.clients.get(peer)
    if session is None:
        return
    number = number_of(message.task)
    if not message.task.startswith(session.id) or number > LAST_TASK or len(message.to or b"") % INSTANCE_BYTES:
        raise not_allowed(session, message)
    again = number <= session.known_up_to
    if again and not session.unsent:
        taken = False
    elif message.to is None:
        taken = _submit_balanced(state, session, number, message, body, again=again)
    else:
        taken = _submit_direct(state, session, number, message.to, message, body, again=again)
    if not taken and body is not None:
        state.out.append(DropBody(body))


def _submit_balanced(
    state: ControllerState, session: Session, number: int, message: Submit, body: object, *, again: bool
) -> bool:
    """Queue a task; False if this is `again`, and nobody has asked for it."""
    tries = take_unsent(session, number) if again else 0
    if tries is None:
        return False
    if not again:
        session.known_up_to = number
    its = message.call.body
    inline = len(its) if isinstance(its, bytes) else 0
    task = _new(state, session, message.task, number, message, body, TASK_BYTES + inline)
    task.attempt = tries
    pool = task.pool = pool_for(state, Needs(message.options.engines, task.large > 0))
    pool.users += 1
    if session.submitted_bytes > state.limits.submitted_bytes:
        give_up(state, task, _too_much(state, session))
    else:
        queue(state, task)
    return True


def _submit_direct(
    state: ControllerState, session: Session, number: int, to: bytes, message: Submit, body: object, *, again: bool
) -> bool:
    """Send a task at once to each engine whose instance `to` names; to no later process under the same id.

    If this is `again`, only those that were asked for; False if none was.
    """
    count = len(to) // INSTANCE_BYTES
    if not again:
        session.known_up_to = number + count - 1
    its = message.call.body
    size = TASK_BYTES + (len(its) // count if isinstance(its, bytes) else 0)
    taken = False
    for offset in range(count):
        tries = take_unsent(session, number + offset) if again else 0
        if tries is None:
            continue
        taken = True
        instance = Instance(to[offset * INSTANCE_BYTES : (offset + 1) * INSTANCE_BYTES])
        id_ = task_id(session.id, number + offset) if offset else message.task
        task = _new(state, session, id_, number + offset, message, body, size)
        task.attempt = tries
        _start_direct(state, task, instance)
    return taken


def _start_direct(state: ControllerState, task: Task, instance: Instance) -> None:
    """Send `task` to its engine, if that lives, and the session may have it started now."""
    engine = state.instances.get(instance)
    if engine is None:
        give_up(state, task, *_without_engine(state, instance))
        return
    session = task.session
    task.target = engine.id
    task.announce = not task.submit.options.rerun_lost
    if session.submitted_bytes > state.limits.submitted_bytes:
        give_up(state, task, _too_much(state, session), engine.id)
    elif session.paused:
        park(task, engine)
    else:
        assign(state, task, engine)
        refresh(state, engine)


def _new(
    state: ControllerState, session: Session, id_: TaskId, number: int, message: Submit, body: object, size: int
) -> Task:
    function = _function(state, message.call.function)
    function.users += 1
    task = Task(State.QUEUED, id_, number, session, message, body, function, size)
    session.submitted_bytes += size
    its = message.call.body
    if not isinstance(its, bytes):
        task.large = its.size
    session.tasks[number] = task
    if state.recording:
        state.out.append(Record(What.SUBMITTED, id_, 0, -1, message, body))
    return task


def _function(state: ControllerState, hash_: bytes) -> MeasuredFunction:
    function = state.functions.get(hash_)
    if function is None:
        # As long as a function is unknown, tiny tasks had better not queue up behind it.
        function = state.functions[hash_] = MeasuredFunction(hash_, state.limits.prefetch_seconds)
    elif not function.users:
        state.idle_functions.pop(hash_, None)
    return function


def _too_much(state: ControllerState, session: Session) -> Outcome:
    return Outcome(
        Status.ABORTED,
        0.0,
        0.0,
        f"the controller did not accept this task: the unfinished tasks of this client take {session.submitted_bytes} "
        f"bytes there, and the limit is {state.limits.submitted_bytes} (IPController.max_submitted_bytes). Wait for "
        "some of them before you submit more",
    )


def _without_engine(state: ControllerState, instance: Instance) -> tuple[Outcome, int]:
    """Return how a task ends that is bound to a process which is not here, and the id that this had, -1 if unknown."""
    departed = state.departed.get(instance)
    if departed is not None:
        words = f"engine {departed.id} is gone ({departed.cause})"
        if departed.id in state.engines:
            words += ". The engine that has this id now is another process: to run the call there, repeat it"
        return lost(words), departed.id
    return lost(NOT_OF_THIS_CLUSTER), -1
