"""What the store knows of clients whose tasks have not all ended, when a controller begins: these tasks go on.

Such a client is one that is gone: its tasks run, and their results are kept, as those of any that went away. One that
may come back is waited for a moment, for only it knows which results it has. It submits again what it has no results
of, and finds the same tasks. An engine of an earlier controller that has one may claim it. See `claims`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from engineroom.core.acknowledgements import acknowledge
from engineroom.core.broadcast import without_engine
from engineroom.core.capabilities import asks_of
from engineroom.core.claims import Raised, Recorded
from engineroom.core.engines import Engine
from engineroom.core.events import RecordedEnd, RecordedEnds, RestoredTask, RestoredTasks
from engineroom.core.forgetting import function_of, function_used
from engineroom.core.lines import Arrival
from engineroom.core.outputs import drop_output
from engineroom.core.placement import Pool, pool_for
from engineroom.core.presence.agenda import Key, Kind
from engineroom.core.pressure import RESULT_BYTES, press
from engineroom.core.recovery import go_on_for, hold
from engineroom.core.results import expire_at, give_up
from engineroom.core.sessions import Session
from engineroom.core.task_states import State
from engineroom.core.tasks import Kept, Task
from engineroom.core.waiting import begin
from engineroom.core.withdrawals import client_ended
from engineroom.ids import Instance, SessionId, number_of

if TYPE_CHECKING:  # the state holds sessions
    from engineroom.core.state import ControllerState


def restored_tasks(state: ControllerState, event: RestoredTasks) -> None:
    """Go on with tasks of a client that is not here."""
    session = _session(state, event.session)
    session.withdraw, session.who = event.withdraw, event.who
    session.stored_up_to = event.known_up_to
    if event.returns:
        state.returning[session] = None
        _look_later(state)
    else:
        session.known_up_to, session.alone = event.known_up_to, True
    session.ends.all_failed(event.failed)
    _recorded(state, session, event.ended, returns=event.returns)
    for known in event.tasks:
        _restore(state, session, known, returns=event.returns)
    if not event.returns:
        _nobody_waits(state, session)


def recorded_ends(state: ControllerState, event: RecordedEnds) -> None:
    """A client of an earlier controller comes: have the results that it may not have."""
    session = _session(state, event.session)
    session.stored_up_to = max(session.stored_up_to, event.known_up_to)
    _recorded(state, session, event.ended, returns=True)


def nobody_returned(state: ControllerState) -> None:
    """Clients that are not back have been waited for long enough: their tasks go on."""
    for session in list(state.returning):
        if session.peer is None:
            del state.returning[session]
            _nobody_waits(state, session)
    if state.returning:  # they are about to say what they have
        _look_later(state)


def _session(state: ControllerState, id_: SessionId) -> Session:
    """Return a session: of a client that is gone, if it is new."""
    session = state.sessions.get(id_)
    if session is None:
        session = state.sessions[id_] = state.gone[id_] = Session(id_, state.limits.own_bytes)
        session.gone_at = state.now
        expire_at(state, state.now + state.limits.linger)
    return session


def _look_later(state: ControllerState) -> None:
    when = state.now + state.limits.reattach_grace
    state.presence.agenda.put(Key(Kind.RETURNS), when)
    state.wake(when)


def _nobody_waits(state: ControllerState, session: Session) -> None:
    if session.withdraw:
        client_ended(state, session.id)
    else:
        go_on_for(state, session)


def _recorded(state: ControllerState, session: Session, ends: Iterable[RecordedEnd], *, returns: bool) -> None:
    """Have results at hand that the store has."""
    for end in ends:
        result, number = end.result, number_of(end.result.task)
        if number in session.tasks or number in session.results or number <= session.delivered_up_to:
            continue
        if isinstance(raised := session.claims.get(number), Raised):  # it was not tried again
            acknowledge(state, raised.kept.engine, raised.kept.number)
        drop_output(session, number)
        its = result.body
        size = RESULT_BYTES + (len(its) if isinstance(its, bytes) else its.size)
        session.results[number] = Kept(result, end.body, None, 0, size, state.now)
        session.kept_bytes += size
        if result.outcome.status:
            session.ends.failed(number)
        if returns:
            session.claims[number] = Recorded(number)
    if session.kept_bytes > session.room:
        press(state, session)


def _restore(state: ControllerState, session: Session, known: RestoredTask, *, returns: bool) -> None:
    """Have a task that has not ended wait until it is known who has it."""
    submit, number = known.submit, number_of(known.submit.task)
    if number in session.tasks or number in session.results:
        return
    task = _task(state, session, known)
    if returns:
        session.claims[number] = task
    place = _place(state, task)
    if place is None:
        return
    its = submit.call.body
    arrival = None
    if not isinstance(its, bytes) and known.body is not None:
        arrival = Arrival(session, -number, its.size, known.body, stored=True)
    hold(state, task, place, arrival, known)
    if arrival is not None:
        begin(state, arrival)


def _task(state: ControllerState, session: Session, known: RestoredTask) -> Task:
    submit = known.submit
    function = function_of(state, submit.call.function)
    function_used(state, function, session)
    task = Task(State.QUEUED, submit.task, number_of(submit.task), session, submit, known.body, function)
    task.submitted = known.submitted
    task.attempt = max(state.first_attempt, *(each.attempt for each in known.tries), 0)
    task.tries, task.errors, task.losses = known.tries[:-1], known.errors, known.losses
    task.deaths = known.losses
    its = submit.call.body
    if not isinstance(its, bytes):
        task.large = its.size
    session.submitted_bytes += task.size
    session.tasks[task.number] = task
    return task


def _place(state: ControllerState, task: Task) -> Engine | Pool | None:
    """Return where a task is to run; None: it has ended, for its engine is no more."""
    submit = task.submit
    if submit.to is not None:
        engine = state.instances.get(Instance(submit.to))
        if engine is None:
            give_up(state, task, *without_engine(state, Instance(submit.to)))
            return None
        task.target = engine.id
        return engine
    terms = submit.options.terms
    pool = task.pool = pool_for(
        state, (submit.options.engines, task.large > 0, None if terms is None else asks_of(submit.options))
    )
    pool.users += 1
    return pool
