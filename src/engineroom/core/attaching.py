"""Clients attach to calls of other clients, by the id of any of their tasks; they read, and take nothing away."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from engineroom.core.early_attaches import is_untold, take_due, waits
from engineroom.core.early_attaches import leave as leave_early
from engineroom.core.maps import map_of
from engineroom.core.task_states import State
from engineroom.core.watching import abandoned, named
from engineroom.core.whole_calls import WholeCall, call_of, leave, settle_call
from engineroom.ids import Peer, TaskId, number_of, session_of, task_id
from engineroom.protocol.attaching import AboutSession, Attach, Attached, Detach, Sessions
from engineroom.protocol.messages import Answer, TasksStarted
from engineroom.protocol.task_ranges import one_task, ranges_of

if TYPE_CHECKING:  # the state holds sessions
    from engineroom.core.sessions import Session
    from engineroom.core.state import ControllerState

MOST_SESSIONS = 500
"""So many clients that are gone are told of, and of each so many ranges of tasks."""
MOST_RANGES = 20

NOT_BACK = "the controller was restarted: no engine has this task, and its client has not reconnected"

FETCHED = "its client has fetched its result, which is not kept here any more"


def attach(state: ControllerState, peer: Peer, message: Attach) -> None:
    """A client wants to see a call of another one: it is told all there is of it, and from now on what comes."""
    session = state.clients.get(peer)
    if session is None or session.within is not None:
        return
    if not waits(state, peer, message):
        _attach(state, peer, session, message)


def attach_at_last(state: ControllerState) -> None:
    """More is known of calls, or they were waited for long enough: those who have waited for that are answered."""
    for peer, message in take_due(state):
        session = state.clients.get(peer)
        if session is not None:
            _attach(state, peer, session, message)


def _attach(state: ControllerState, peer: Peer, session: Session, message: Attach) -> None:
    found = _named(state, message) if message.task else _last(state, session)
    if isinstance(found, str):
        state.send(peer, Answer(message.number, error=found))
        return
    owner, number = found
    call = call_of(owner, number)
    numbers = range(number, number + 1) if message.alone else range(call.first, call.last + 1)
    state.send(peer, Answer(message.number, _about(call, numbers)))
    for each in numbers:
        _tell(state, peer, call, each)
    if call.is_over or call.session is session:
        settle_call(state, call.session, call.first)
    else:
        call.watchers[session] = session.watching[call] = None


def detach(state: ControllerState, peer: Peer, message: Detach) -> None:
    """A client has seen enough of a call."""
    session, owner = state.clients.get(peer), state.sessions.get(session_of(message.call))
    call = None if owner is None else owner.calls.get(number_of(message.call))
    if session is None:
        return
    if state.early_attaches:
        leave_early(state, peer, message.call)
    if call is not None:
        leave(state, session, call)


def _named(state: ControllerState, message: Attach) -> tuple[Session, int] | str:
    """Return the client and the number of the task that `message` names, or why there is none."""
    task = TaskId(message.task)
    owner, number = state.sessions.get(session_of(task)), number_of(task)
    if owner is None:
        return (
            "this cluster knows no client that has submitted it. Either it belongs to another cluster or profile, or "
            f"its client has been gone for more than {state.limits.linger:g} s (IPController.linger)"
        )
    if number in owner.tasks or number in owner.results or number in owner.calls:
        return owner, number
    known = max(owner.known_up_to, owner.stored_up_to)
    if 0 < number <= known:
        return FETCHED
    return NOT_BACK if is_untold(state, owner) else f"its client has submitted {known} tasks, and no task {number}"


def _last(state: ControllerState, asks: Session) -> tuple[Session, int] | str:
    """Return the client and the number of the last task of others: of those that are gone, if there is one."""
    for session in (*reversed(state.gone.values()), *reversed(state.sessions.values())):
        if session is not asks and session.within is None and (number := last_of(session)):
            return session, number
    return "no other client has a call that runs, or whose result it has not fetched"


def last_of(session: Session) -> int:
    """Return the last task of a client that is here, unfinished or with its result; 0 if there is none."""
    return max(next(reversed(session.tasks), 0), max(session.results, default=0))


def _about(call: WholeCall, numbers: range) -> Attached:
    session = call.session
    engines = tuple(_engine_of(call, number) for number in numbers)
    direct = call.last > call.first or any(
        (task := session.tasks.get(number)) is not None and task.target >= 0 for number in numbers
    )
    name = task_id(session.id, call.first)
    of_map = map_of(session, call.first) if call.first == call.last else None
    return Attached(name, numbers.start, engines, direct, call.kind, call.label, of_map)


def _engine_of(call: WholeCall, number: int) -> int:
    """Return the engine of a task of `call`, -1 if none is known."""
    session = call.session
    if (task := session.tasks.get(number)) is not None:
        return task.target if task.engine is None else task.engine.id
    if (kept := session.results.get(number)) is not None:
        return kept.result.engine
    return -1 if (result := call.results.get(number)) is None else result.engine


def _tell(state: ControllerState, peer: Peer, call: WholeCall, number: int) -> None:
    """Tell a client what one task has written, and how it has ended or that it runs."""
    session = call.session
    task, kept, fetched = session.tasks.get(number), session.results.get(number), call.results.get(number)
    if task is not None and task.state is State.STARTED and task.engine is not None:
        state.send(peer, TasksStarted(task.engine.id, one_task(task.id)))
    written = session.outputs.get(number) or call.outputs.get(number)
    for piece in () if written is None else written.pieces():
        state.send(peer, piece)
    if kept is not None:
        state.send(peer, named(session, number, kept), kept.body)
    elif fetched is not None:
        state.send(peer, fetched)
    elif task is None and number not in session.unsent:
        state.send(peer, abandoned(session, number, number, FETCHED))


def sessions(state: ControllerState) -> Sessions:
    """Return the clients that are gone and of which something is here."""
    return Sessions(tuple(islice(_about_all(state), MOST_SESSIONS)))


def _about_all(state: ControllerState) -> Iterator[AboutSession]:
    for session in reversed(state.gone.values()):
        if session.within is None and (number := last_of(session)):
            ended = max((kept.finished for kept in session.results.values()), default=state.now)
            since = max(0.0, state.now - session.gone_at)
            left = max(0.0, max(ended, session.gone_at) + state.limits.linger - state.now)
            yield AboutSession(
                session.id,
                session.who,
                since,
                left,
                len(session.results),
                len(session.tasks),
                task_id(session.id, number),
                tuple(islice(ranges_of([*session.tasks, *session.results]), MOST_RANGES)),
            )
