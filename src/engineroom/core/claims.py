"""What engines hold of tasks that this controller does not know: it was started while they ran.

A claim is a task of which only the engine has spoken: it is held, as others are, until its client submits it again and
so adopts it. A claim that has ended well is a result like all others; one that has raised waits for its client to say
whether it is to be tried again. What no client asks for is forgotten, and so is what engines say of tasks that this
controller knows to be over. Attempts of earlier controllers have lower numbers than ours: see `lives`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from engineroom.core.actions import Accept
from engineroom.core.blame import Death, death_of
from engineroom.core.edges import HasEnded, wait_no_more
from engineroom.core.forgetting import forget, function_of
from engineroom.core.holding import Account, withdraw
from engineroom.core.lines import Arrival, leave
from engineroom.core.not_allowed import LAST_TASK
from engineroom.core.outputs import drop_output
from engineroom.core.placement import assign, pool_of, unassign
from engineroom.core.prefetch import ask_all_back
from engineroom.core.pressure import RESULT_BYTES
from engineroom.core.results import expire_at
from engineroom.core.sessions import Session
from engineroom.core.started import mark_started
from engineroom.core.task_states import Cause, State, step
from engineroom.core.tasks import Kept, Task
from engineroom.core.waiting import go_on
from engineroom.ids import SessionId, TaskId, number_of, session_of, task_id
from engineroom.protocol.messages import Call, Finished, Held, Kind, Options, Result, Submit
from engineroom.protocol.ranges import MOST_TRIES
from engineroom.protocol.task_ranges import AttemptRange, attempt_ranges, found_in, ranges_of, without

if TYPE_CHECKING:  # the state holds engines
    from engineroom.core.engines import Engine
    from engineroom.core.state import ControllerState

UNKNOWN = Submit(TaskId(b""), Call(Kind.APPLY), options=Options(retries=MOST_TRIES))
"""In the place of what the client of a claim has yet to say. A claim that raises has not ended: see `raised`."""


class Raised(NamedTuple):
    """A claim that has raised: its client says whether it is to be tried again."""

    task: Task
    kept: Kept


class LostClaim(NamedTuple):
    """A claim whose engine is lost; `ran`: it had started there."""

    task: Task
    death: Death
    ran: bool


class Recorded(NamedTuple):
    """A task that has ended, as the store knows: its result is here, and its end need not be recorded once more."""

    number: int


Claim = Task | Raised | LostClaim | Recorded | None
"""A task that an engine holds, one that has ended well, or one that the store knows and its client has yet to submit
again; what has become of others; or None: an input of others that is not here yet."""


class _Is(Enum):
    RUNNING = "running"
    FINISHED = "finished"
    QUEUED = "queued"


def is_claim(task: Task) -> bool:
    """Whether nothing is known of `task` but who has it."""
    return task.submit is UNKNOWN


def incomplete(task: Task) -> bool:
    """Whether a task was adopted without all that it takes to run it: then its client is to submit it once more."""
    submit = task.submit
    return (task.large > 0 and task.body is None) or (submit.awaits is not None and task.waits is None)


def take(state: ControllerState, engine: Engine, account: Account, piece: Held) -> list[AttemptRange]:
    """Note what `engine` holds, and claim what is not known; return what is queued there and should not be."""
    for ranges, what in ((piece.running, _Is.RUNNING), (piece.finished, _Is.FINISHED)):
        unknown: list[AttemptRange] = []
        found = list(account.known(ranges, unknown))
        found += [task.id for task in _claimed(state, engine, account, unknown, what)]
        account.there.update(found)
        if what is _Is.RUNNING:
            account.running.update(found)
    queued: list[AttemptRange] = []
    account.there.update(list(account.known(piece.queued, queued)))
    if not queued:
        return []
    taken = {task.id: task.attempt for task in _claimed(state, engine, account, queued, _Is.QUEUED)}
    account.there.update(taken)
    return list(_without(queued, taken))


def _claimed(
    state: ControllerState, engine: Engine, account: Account, ranges: Iterable[AttemptRange], what: _Is
) -> list[Task]:
    """Return the tasks that are `engine`'s from now on, of those that it names."""
    found = []
    for owner, first, last, attempt in ranges:
        session = _session(state, account, SessionId(owner))
        if session is None or attempt > state.first_attempt:
            continue
        for number in _candidates(session, first, last, account.claims_left):
            account.claims_left -= 1
            task = _claim(state, engine, session, number, attempt, what)
            if task is not None:
                found.append(task)
    return found


def _session(state: ControllerState, account: Account, id_: SessionId) -> Session | None:
    """Return the session with this id: of a client that is gone, as far as is known, if it is new."""
    session = state.sessions.get(id_)
    if session is None and account.sessions_left > 0:
        account.sessions_left -= 1
        session = state.sessions[id_] = state.gone[id_] = Session(id_, state.limits.own_bytes)
        session.gone_at = state.now
        expire_at(state, state.now + state.limits.linger)
    return session


def _candidates(session: Session, first: int, last: int, most: int) -> Iterable[int]:
    """Return which of these numbers may be claimed: in any case no more than `most`."""
    if session.told:
        numbers = [(first, last)]
        return list(dict.fromkeys([*found_in(numbers, session.tasks), *found_in(numbers, session.claims)]))[:most]
    told = [(first, min(last, session.known_up_to))]
    known = list(dict.fromkeys([*found_in(told, session.tasks), *found_in(told, session.lacking)]))
    beyond = range(max(first, session.known_up_to + 1), min(last, LAST_TASK) + 1)
    return [*known[:most], *beyond[: max(0, most - len(known))]]


def _claim(
    state: ControllerState, engine: Engine, session: Session, number: int, attempt: int, what: _Is
) -> Task | None:
    """Have `engine` hold this task as it says that it does; None: that is not so any more."""
    task = session.tasks.get(number)
    if what is _Is.QUEUED and _must_go(state, session, task):
        return None
    if task is None:
        if number in session.results or isinstance(session.claims.get(number), Raised):
            return None
        task = _begin(state, engine, session, number)
        assign(state, task, engine)
    elif not _place_there(state, task, engine):
        return None
    task.attempt = attempt
    if what is not _Is.QUEUED:
        mark_started(state, task, engine)
    elif task.submit.awaits is not None:  # its arguments may be gone from there, and others know nothing of it
        ask_all_back(state, [task], engine)
    return task


def _must_go(state: ControllerState, session: Session, task: Task | None) -> bool:
    """Whether what an engine has not started must not stay there."""
    if session.paused or task is None or task.submit.awaits is None:
        return session.paused
    # Its arguments may be gone from there, and its client, which could submit it again, need not come back.
    return state.held_back.get(task) is not None


def _begin(state: ControllerState, engine: Engine, session: Session, number: int) -> Task:
    """Return a new claim, which is bound to its engine until more is known."""
    function = function_of(state, b"")
    function.users += 1
    task = Task(State.QUEUED, task_id(session.id, number), number, session, UNKNOWN, None, function)
    task.target = engine.id
    session.submitted_bytes += task.size
    session.tasks[number] = session.claims[number] = task
    return task


def _place_there(state: ControllerState, task: Task, engine: Engine) -> bool:
    """Have `engine` hold a task that was submitted before the engine spoke of it, unless it is elsewhere by now."""
    if task.state is State.SENT:
        return task.engine is engine and not engine.met  # it has not been sent anything yet
    if task.target >= 0 and task.target != engine.id:
        return False
    line = task.line if task.target >= 0 else None
    if task.state is State.WAITING:
        if task.arrival is not None:
            _without_bytes(state, task, task.arrival)
        leave(state, task)
        if task.waits is not None:
            wait_no_more(state, task, task.waits)
        step(task, Cause.COMPLETE)
    elif task.state is State.QUEUED:
        pool_of(task).queue.take(task)
    else:
        return False
    assign(state, task, engine)
    if line is not None:
        go_on(state, line)
    return True


def _without_bytes(state: ControllerState, task: Task, arrival: Arrival) -> None:
    """Have a task run that is there already: its arguments come only if the store has them, should it run again."""
    if not arrival.stored:
        task.body = None
        return
    del arrival.session.arrivals[arrival.number]
    arrival.tasks.clear()
    task.arrival = None
    if not arrival.asked:
        state.out.append(Accept(arrival.body))


def _without(ranges: Iterable[AttemptRange], taken: dict[TaskId, int]) -> Iterator[AttemptRange]:
    """Yield `ranges` without the attempts that were taken."""
    numbers: dict[tuple[bytes, int], list[int]] = {}
    for id_, its in taken.items():
        numbers.setdefault((session_of(id_), its), []).append(number_of(id_))
    for owner, first, last, attempt in ranges:
        for start, end in without([(first, last)], ranges_of(numbers.get((owner, attempt), ()))):
            yield owner, start, end, attempt


def raised(state: ControllerState, task: Task, engine: Engine, message: Finished, body: object) -> None:
    """A claim, which `engine` holds no more, has raised: its client says what is to become of that."""
    session, its = task.session, message.body
    forget(state, task)
    size = RESULT_BYTES + (len(its) if isinstance(its, bytes) else its.size)
    result = Result(task.id, engine.id, message.outcome, its)
    session.claims[task.number] = Raised(task, Kept(result, body, engine, message.number, size, state.now))
    if task.number in session.awaited:
        state.news.append(HasEnded(session, task.number, None))


def engine_lost(state: ControllerState, engine: Engine, cause: str) -> None:
    """`engine` is gone, and with it its claims: their clients will submit the tasks again."""
    for task in [task for task in engine.held.values() if is_claim(task)]:
        ran, death = task.state is State.STARTED, death_of(engine, task, cause, "")
        drop_claim(state, task, engine)
        if not task.session.told:
            task.session.claims[task.number] = LostClaim(task, death, ran)


def drop_claim(state: ControllerState, task: Task, engine: Engine) -> None:
    """Forget a claim that `engine` holds. Whoever calls this feeds or forgets `engine`."""
    session = task.session
    unassign(state, task, engine)
    forget(state, task)
    drop_output(session, task.number)
    session.claims.pop(task.number, None)
    if task.number in session.awaited:
        state.news.append(HasEnded(session, task.number, None))


def withdraw_claims(state: ControllerState, tasks: list[Task]) -> list[Engine]:
    """Forget claims that nobody wants, and have their engines forget them; return these engines."""
    gone: dict[Engine, list[tuple[TaskId, int]]] = {}
    engines: dict[Engine, None] = {}
    for task in tasks:
        engine = task.engine
        assert engine is not None
        if task.state is not State.STARTED:
            gone.setdefault(engine, []).append((task.id, task.attempt))
        engines[engine] = None
        drop_claim(state, task, engine)
    for engine, attempts in gone.items():
        if engine.peer is not None:  # else it is told when it is back
            withdraw(state, engine, list(attempt_ranges(attempts)))
    return list(engines)
