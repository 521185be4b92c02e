"""Submit: one balanced task, or one task for each target, numbered on from the first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.adoption import count_earlier, is_lacking, meets_claim, note_inputs
from engineroom.core.attempts import can_run
from engineroom.core.capabilities import asks_of
from engineroom.core.dependencies import begin_to_await
from engineroom.core.families import ENDED, adopt
from engineroom.core.forgetting import function_of
from engineroom.core.lines import Arrival
from engineroom.core.maps import note_map
from engineroom.core.not_allowed import LAST_TASK, not_allowed
from engineroom.core.placement import Pool, assign, place, pool_for
from engineroom.core.prefetch import refresh
from engineroom.core.recovery import hold_back
from engineroom.core.results import give_up, lost
from engineroom.core.sessions import Session
from engineroom.core.started import mark_started
from engineroom.core.task_states import State
from engineroom.core.tasks import Task
from engineroom.core.unsent import take_unsent
from engineroom.core.waiting import begin, go_on_for, is_behind, wait
from engineroom.ids import INSTANCE_BYTES, NOBODY, Instance, Peer, TaskId, number_of, task_id
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
    number, to = number_of(message.task), message.to
    if not _is_allowed(session, number, message):
        raise not_allowed(session, message)
    its = message.call.body
    arrival = None if body is None or isinstance(its, bytes) else Arrival(session, number, its.size, body)
    again = number <= session.known_up_to
    if message.awaits is not None:
        note_inputs(state, session, number, message.awaits)
    if not again or session.unsent or session.lacking:
        if to is None:
            _submit_balanced(state, session, number, message, arrival, again=again)
        else:
            _submit_direct(state, session, number, to, message, arrival, again=again)
    if arrival is not None:
        begin(state, arrival)
    if again and not session.unsent:
        go_on_for(state, session)


def _is_allowed(session: Session, number: int, message: Submit) -> bool:
    to = message.to
    if not message.task.startswith(session.id) or number > LAST_TASK or (to and len(to) % INSTANCE_BYTES):
        return False
    return bool(message.within) == (session.within is not None)


def _submit_balanced(
    state: ControllerState, session: Session, number: int, message: Submit, arrival: Arrival | None, *, again: bool
) -> None:
    """Queue a task; if this is `again`, only if it was asked for."""
    restored = state.first_attempt > 0
    tries: int | None = 0
    if again:
        tries = 0 if is_lacking(state, session, number) else take_unsent(session, number)
    else:
        session.known_up_to = number
        tries = None if restored and session.claims and meets_claim(state, session, number, message) else 0
    if tries is None:
        return
    options = message.options
    task = _new(state, session, message.task, number, message, arrival)
    if tries or restored:
        count_earlier(state, task, tries)
    pool = task.pool = pool_for(
        state, (options.engines, task.large > 0, None if options.terms is None else asks_of(options))
    )
    pool.users += 1
    if message.within and not _has_parent(state, session, task):
        return
    if session.submitted_bytes > state.limits.submitted_bytes:
        give_up(state, task, _too_much(state, session))
    elif can_run(state, task):
        if message.awaits is None and arrival is None and not task.function.away and not (restored and state.recovery):
            place(state, task, pool)
        else:
            _hold(state, task, pool, arrival)


def _hold(state: ControllerState, task: Task, pool: Pool, arrival: Arrival | None) -> None:
    """Have a balanced task wait for what it lacks."""
    if state.first_attempt and hold_back(state, task, pool, arrival):
        return
    if task.submit.awaits is not None:
        begin_to_await(state, task, task.submit.awaits, pool, arrival)
    else:
        wait(state, task, pool, arrival)


def _submit_direct(
    state: ControllerState,
    session: Session,
    number: int,
    to: bytes,
    message: Submit,
    arrival: Arrival | None,
    *,
    again: bool,
) -> None:
    """Send a task at once to each engine whose instance `to` names; to no later process under the same id.

    If this is `again`, only those that were asked for.
    """
    count = len(to) // INSTANCE_BYTES
    if not again:
        session.known_up_to = number + count - 1
    for offset in range(count):
        tries = take_unsent(session, number + offset) if again else 0
        if tries is None:
            continue
        instance = Instance(to[offset * INSTANCE_BYTES : (offset + 1) * INSTANCE_BYTES])
        id_ = task_id(session.id, number + offset) if offset else message.task
        if state.first_attempt and not again and _is_over(state, session, number + offset, message, instance):
            continue
        task = _new(state, session, id_, number + offset, message, arrival)
        if tries or state.first_attempt:
            count_earlier(state, task, tries)
        _start_direct(state, task, instance, arrival)


def _is_over(state: ControllerState, session: Session, number: int, message: Submit, instance: Instance) -> bool:
    """Whether a direct task had ended before this controller was started, or is on its engine since."""
    return instance == NOBODY or bool(session.claims and meets_claim(state, session, number, message, instance))


def _start_direct(state: ControllerState, task: Task, instance: Instance, arrival: Arrival | None) -> None:
    """Send `task` to its engine, if that lives, and nothing keeps it from being sent now."""
    engine = state.instances.get(instance)
    if task.submit.within and not _has_parent(state, task.session, task):
        return
    if engine is None:
        give_up(state, task, *without_engine(state, instance))
        return
    session = task.session
    task.target = engine.id
    if session.submitted_bytes > state.limits.submitted_bytes:
        give_up(state, task, _too_much(state, session), engine.id)
    elif state.first_attempt and hold_back(state, task, engine, arrival):
        pass
    elif task.submit.awaits is not None:
        begin_to_await(state, task, task.submit.awaits, engine, arrival)
    elif arrival is not None or task.function.away or is_behind(engine, session):
        wait(state, task, engine, arrival)
    else:
        assign(state, task, engine)
        refresh(state, engine)


def _has_parent(state: ControllerState, session: Session, task: Task) -> bool:
    """Note which task has submitted `task`, or end it: that one has ended, or has never run there."""
    engine = session.within
    parent = None if engine is None or engine.lost else engine.held.get(TaskId(task.submit.within))
    if engine is None or parent is None:
        give_up(state, task, Outcome(Status.ABORTED, 0.0, 0.0, ENDED))
        return False
    if parent.state is not State.STARTED:
        mark_started(state, parent, engine)
    adopt(state, task, parent)
    return True


def _new(
    state: ControllerState,
    session: Session,
    id_: TaskId,
    number: int,
    message: Submit,
    arrival: Arrival | None,
) -> Task:
    body = None if arrival is None else arrival.body
    call = message.call
    function = state.functions.get(call.function) or function_of(state, call.function)
    if not function.users and state.idle_functions.pop(function.hash, 0) is None:
        state.idle_function_bytes -= function.size
    if function.owner is not session:
        function.owner = function.owner is not False or session
    function.users += 1
    task = Task(State.QUEUED, id_, number, session, message, body, function)
    session.submitted_bytes += task.size
    if not isinstance(call.body, bytes):
        task.large = call.body.size
    session.tasks[number] = task
    if message.options.of_map is not None:
        note_map(session, number, message.options.of_map, state.limits.maps)
    if state.recording:
        task.submitted = state.now
        if state.journal.early:
            state.journal.submitted.append(task)
    return task


def _too_much(state: ControllerState, session: Session) -> Outcome:
    return Outcome(
        Status.ABORTED,
        0.0,
        0.0,
        f"the controller did not accept this task: the unfinished tasks of this client take {session.submitted_bytes} "
        f"bytes there, and the limit is {state.limits.submitted_bytes} (IPController.max_submitted_bytes). Wait for "
        "some of them before you submit more",
    )


def without_engine(state: ControllerState, instance: Instance) -> tuple[Outcome, int]:
    """Return how a task ends that is bound to a process which is not here, and the id that this had, -1 if unknown."""
    departed = state.departed.get(instance)
    if departed is not None:
        words = f"engine {departed.id} is gone ({departed.cause})"
        if departed.id in state.engines:
            words += ". The engine that has this id now is another process: to run the call there, repeat it"
        return lost(words), departed.id
    return lost(NOT_OF_THIS_CLUSTER), -1
