"""Tasks that wait for others: begun when they are submitted, and decided anew whenever one of those ends or moves.

What happens is noted as news while an event is handled, and looked at afterwards: so chains of any length take no
stack, and what ended first is told first. A task ends as soon as its conditions can't be met any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.arrivals import come
from engineroom.core.attempts import queue, send_again
from engineroom.core.conditions import enter, input_ended
from engineroom.core.deadlines import has_waited, set_deadline
from engineroom.core.edges import (
    AFTER,
    FOLLOW,
    INPUT,
    NO_GATES,
    HasEnded,
    HasLeft,
    IsPlaced,
    IsUnused,
    Prerequisites,
    who_waits,
)
from engineroom.core.engines import Engine
from engineroom.core.followers import advance, bring_behind, go_behind, is_ready_there, recall
from engineroom.core.following import bind
from engineroom.core.gates import gate_ended
from engineroom.core.inputs import use_no_more
from engineroom.core.lines import Arrival
from engineroom.core.placement import Pool, pool_of
from engineroom.core.prefetch import ask_all_back, refresh
from engineroom.core.pressure import press
from engineroom.core.refusals import Refusal
from engineroom.core.results import give_up, let_go
from engineroom.core.returns import need
from engineroom.core.sessions import Session
from engineroom.core.staying import bound
from engineroom.core.task_states import State
from engineroom.core.tasks import Kept, Task
from engineroom.core.waiting import FEW, end_all, is_behind, wait
from engineroom.ids import INSTANCE_BYTES
from engineroom.protocol.messages import Awaits, Outcome, Submit

if TYPE_CHECKING:  # the state holds tasks
    from engineroom.core.state import ControllerState


def begin_to_await(
    state: ControllerState, task: Task, awaits: Awaits, place: Engine | Pool, arrival: Arrival | None
) -> None:
    """Have a QUEUED task that was submitted just now wait for others, or run or end at once."""
    try:
        waits = _entered(state, task, awaits)
    except Refusal as refusal:
        give_up(state, task, refusal.outcome, task.target)
        return
    _begin(state, task, waits, place if isinstance(place, Engine) else pool_of(task), arrival)


def await_at_last(state: ControllerState, task: Task, awaits: Awaits) -> None:
    """Have a task begin to await others that has been WAITING, since it was submitted, until they were known."""
    try:
        waits = _entered(state, task, awaits)
    except Refusal as refusal:
        end_all(state, [task], refusal.outcome)
        return
    task.lacks += waits.open
    come(state, task)
    if task.state is State.WAITING:
        go_behind(state, task)


def _entered(state: ControllerState, task: Task, awaits: Awaits) -> Prerequisites:
    """Have `task` known to those that it awaits, and return what it lacks. Refusal: it cannot, or need not, run."""
    waits = enter(state, task, awaits)
    if waits.gates.following is not None:
        bind(state, task, waits)
    for number in waits.inputs if waits.missing else ():
        if (other := task.session.tasks.get(number)) is not None:
            need(state, other)
    if waits.gates is NO_GATES and (task.submit.to is None or len(task.submit.to) == INSTANCE_BYTES):
        task.submit = _without_awaits(task.submit)
    if waits.open and awaits.timeout:
        set_deadline(state, task, waits.gates, awaits.timeout)
    return waits


def _without_awaits(submit: Submit) -> Submit:
    """Return what is left of a Submit when its prerequisites are noted: a chain is long, and these take much room."""
    return Submit(submit.task, submit.call, submit.to, submit.options, None, submit.within)


def _begin(
    state: ControllerState, task: Task, waits: Prerequisites, place: Engine | Pool, arrival: Arrival | None
) -> None:
    behind = isinstance(place, Engine) and is_behind(place, task.session)
    if waits.open or arrival is not None or task.function.away or behind:
        wait(state, task, place, arrival)
        go_behind(state, task)
    elif isinstance(place, Engine):
        send_again(state, task, place)
        refresh(state, place)
    else:
        queue(state, task)


def settle(state: ControllerState) -> None:
    """Look at all the news, and at what comes of them. O(news + edges)."""
    ready: dict[Engine, None] = {}
    while state.news:
        every, state.news = state.news, []
        for news in every:
            match news:
                case HasEnded(session, number, kept):
                    _ended(state, session, number, kept, ready)
                case IsPlaced(task):
                    bring_behind(state, task)
                case HasLeft(task, engine):
                    recall(state, task, engine)
                case IsUnused(session, number):
                    _unused(state, session, number)
        for engine in ready:
            advance(state, engine)
        ready.clear()


def _ended(state: ControllerState, session: Session, number: int, kept: Kept | None, ready: dict[Engine, None]) -> None:
    """A task that is waited for has ended: tell each that waits."""
    over: dict[str, tuple[Outcome, list[Task]]] = {}
    for task, way in who_waits(session.awaited.pop(number, None)):
        waits = task.waits
        if waits is None:
            continue
        opened = waits.open
        outcome = _tell(state, task, waits, number, kept, way)
        if outcome is not None:
            over.setdefault(outcome.error, (outcome, []))[1].append(task)
        else:
            _go_on(state, task, waits, opened - waits.open, ready)
    for outcome, tasks in over.values():
        fail(state, tasks, outcome)
    if kept is not None and kept.engine is not None and kept.engine.followers:
        ready[kept.engine] = None
    if session.kept_bytes > session.room:
        press(state, session)


def _go_on(state: ControllerState, task: Task, waits: Prerequisites, met: int, ready: dict[Engine, None]) -> None:
    """So many conditions of `task` have been met."""
    if task.state is State.WAITING:
        if waits.missing == FEW:  # it lacks few from now on
            go_behind(state, task)
        for _ in range(met):
            come(state, task)
    elif task.engine is not None and not waits.missing:
        is_ready_there(task, task.engine)
        ready[task.engine] = None


def _tell(
    state: ControllerState, task: Task, waits: Prerequisites, number: int, kept: Kept | None, way: int
) -> Outcome | None:
    """Tell `task` that another has ended; return how it ends, if it must."""
    session, gates = task.session, waits.gates
    outcome = input_ended(state, session, number, kept, waits) if way & INPUT else None
    for condition in (AFTER, FOLLOW):
        if outcome is None and way & condition:
            outcome = gate_ended(state, session, number, kept, waits, condition)
    if outcome is None and way & FOLLOW and gates.follow is None and gates.following is not None:
        try:
            bind(state, task, waits)
        except Refusal as refusal:
            return refusal.outcome
    if outcome is None and gates.due and not waits.open:
        has_waited(state, gates)
    return outcome


def fail(state: ControllerState, tasks: list[Task], outcome: Outcome) -> None:
    """End tasks that can't run; an engine that has one gives it back first."""
    end_all(state, [task for task in tasks if task.state is State.WAITING], outcome)
    sent: dict[Engine, list[Task]] = {}
    for task in tasks:
        if task.engine is not None and task.withdrawn is None:
            task.withdrawn = outcome
            if task.state is State.SENT:
                sent.setdefault(task.engine, []).append(task)
    for engine, theirs in sent.items():
        ask_all_back(state, theirs, engine)


def _unused(state: ControllerState, session: Session, number: int) -> None:
    """No unfinished task takes this result as an argument any more, unless one has begun to meanwhile."""
    kept = session.results.get(number)
    if kept is None or kept.use is None or kept.use.users:
        return
    if kept.use.stays:
        bound(state, session)
    if not kept.use.counted:
        return
    use_no_more(state, session, kept, kept.use)
    if kept.use.delivered:
        let_go(state, session, (number,))
