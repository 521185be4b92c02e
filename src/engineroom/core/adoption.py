"""Clients submit again, to a controller that has just started, what they have no results of: claims become tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.acknowledgements import acknowledge
from engineroom.core.capabilities import asks_of
from engineroom.core.claims import Claim, LostClaim, Raised, Recorded, is_claim, withdraw_claims
from engineroom.core.families import adopt as adopt_child
from engineroom.core.forcing import limit_time
from engineroom.core.forgetting import function_of, function_used
from engineroom.core.outputs import drop_output
from engineroom.core.placement import feed, pool_for
from engineroom.core.prefetch import ask_all_back, count_large, refresh
from engineroom.core.pressure import RESULT_BYTES
from engineroom.core.recovery import go_on_for
from engineroom.core.results import end_late, let_go, lost
from engineroom.core.sessions import Session
from engineroom.core.stored import drop_stored
from engineroom.core.task_states import State
from engineroom.core.tasks import Kept, Task
from engineroom.core.whole_calls import nobody_waits_for
from engineroom.ids import TaskId, task_id
from engineroom.protocol.messages import Awaits, Result, Submit, TasksStarted
from engineroom.protocol.task_ranges import Ranges, numbers_in, one_task

if TYPE_CHECKING:  # the state holds engines
    from engineroom.core.engines import Engine
    from engineroom.core.state import ControllerState

_MOST_NEEDED = 10_000
"""The tasks of a client name so many arguments that are not known, at most, that they are waited for."""


def note_inputs(state: ControllerState, session: Session, number: int, awaits: Awaits) -> None:
    """Have the results wanted that a task takes which a client of an earlier controller submits.

    They are wanted whatever becomes of the task: an engine may give it back, and then it is submitted again.
    """
    if not state.first_attempt or session.told:
        return
    ranges = [(first, min(last, number - 1)) for owner, first, last in awaits.inputs if owner == session.id]
    count = sum(max(0, last - first + 1) for first, last in ranges)
    if count + len(session.lacking) < len(session.tasks) + _MOST_NEEDED:
        session.lacking.update(numbers_in(ranges))


def is_lacking(state: ControllerState, session: Session, number: int) -> bool:
    """Whether tasks take the result of this one, which no engine has that has come so far.

    Its client has the result, and so submits, behind those tasks, one that makes it once more.
    """
    if not state.first_attempt or session.told or number not in session.lacking:
        return False
    return number not in session.tasks and number not in session.results


def meets_claim(state: ControllerState, session: Session, number: int, message: Submit, instance: bytes = b"") -> bool:
    """Whether a task, submitted just now, is one that an engine has or has ended: then it is not run once more.

    `instance`: of the engine that a direct one is bound to.
    """
    claim = session.claims.get(number)
    if isinstance(claim, Task):
        return (_meets if is_claim(claim) else _meets_stored)(state, claim, message, instance)
    if isinstance(claim, Recorded):
        del session.claims[number]
        return number in session.results
    its = None
    if isinstance(claim, Raised) and not message.options.retries:
        its = claim.kept
    elif isinstance(claim, LostClaim) and claim.ran and not instance and not _runs_again(message):
        words = f"this task was running when {claim.death.in_short} died"
        result = Result(task_id(session.id, number), claim.death.engine, lost(words))
        its = Kept(result, None, None, 0, RESULT_BYTES, state.now)
    if its is None or not isinstance(claim, Raised | LostClaim):
        return False  # it is run (again), with what is known of before: see `count_earlier`
    del session.claims[number]
    claim.task.submit = message
    end_late(state, claim.task, its)
    return True


def _runs_again(message: Submit) -> bool:
    """Whether a task may run once more that was lost with its engine."""
    return message.options.rerun_lost or message.options.retries > 0


def _meets(state: ControllerState, task: Task, message: Submit, instance: bytes) -> bool:
    session, engine = task.session, task.engine
    del session.claims[task.number]
    if task.state is State.ENDED:
        kept = session.results.get(task.number)
        task.submit = message
        if kept is not None and state.recording:
            state.journal.ended.append((task, kept, session.outputs.get(task.number)))
        return kept is not None
    assert engine is not None
    if instance and engine.instance != instance:
        session.claims[task.number] = task
        _feed_all(state, withdraw_claims(state, [task]))
        return False
    _adopt(state, task, engine, message)
    return True


def _meets_stored(state: ControllerState, task: Task, message: Submit, instance: bytes) -> bool:
    """A client is back and submits a task that the store knew: it is that one, wherever it is by now."""
    del instance
    session, known = task.session, state.held_back.get(task)
    del session.claims[task.number]
    if task.state is State.ENDED:
        return task.number in session.results
    if known is not None and known.lost:  # what the store lacks, its client may have
        drop_stored(state, [task])
        return False
    parent = _parent(session, message)
    if parent is not None:
        adopt_child(state, task, parent)
    if task.state is State.STARTED and task.engine is not None:
        state.send(session.peer, TasksStarted(task.engine.id, one_task(task.id)))
    return True


def count_earlier(state: ControllerState, task: Task, tries: int) -> None:
    """Count what is known of earlier attempts of a task that was submitted just now, and is to run (again).

    `tries`: the number of the last one, where this controller knows.
    """
    task.attempt = tries or state.first_attempt
    claims = task.session.claims
    if not claims:
        return
    claim: Claim = claims.pop(task.number, None)
    if isinstance(claim, Raised):
        acknowledge(state, claim.kept.engine, claim.kept.number)
        drop_output(task.session, task.number)
        task.errors, task.failed_on = 1, (claim.kept.result.engine,)
    elif isinstance(claim, LostClaim):
        task.deaths, task.died = 1, (claim.death,)
        if claim.ran and task.submit.options.rerun_lost:
            task.losses = 1
        elif claim.ran:
            task.errors = 1


def _adopt(state: ControllerState, task: Task, engine: Engine, message: Submit) -> None:
    """`task`, which `engine` has, is what `message` asks for."""
    session = task.session
    session.submitted_bytes -= task.size
    task.submit = message
    session.submitted_bytes += task.size
    task.function.users -= 1
    task.function = function_of(state, message.call.function)
    function_used(state, task.function, session)
    held = engine.held.get(task.id) is task
    its = message.call.body
    if not isinstance(its, bytes):
        task.large = its.size
        if held:
            count_large(state, engine, 1, task.large)
    if message.to is None:
        _is_balanced(state, task, engine, held=held)
    if state.journal.early:
        state.journal.submitted.append(task)
        if task.state is State.STARTED:
            state.journal.started.append(task)
    parent = _parent(session, message)
    if parent is not None:
        adopt_child(state, task, parent)
    _go_on(state, task, engine)
    refresh(state, engine)


def _go_on(state: ControllerState, task: Task, engine: Engine) -> None:
    """Do what is to be done about an adopted task that runs, or is about to."""
    message, session = task.submit, task.session
    if task.state is State.STARTED:
        state.send(session.peer, TasksStarted(engine.id, one_task(task.id)))
        if message.options.terms is not None:
            limit_time(state, task)
    elif task.state is State.SENT and message.awaits is not None:  # its arguments may be gone from there
        ask_all_back(state, [task], engine)


def _is_balanced(state: ControllerState, task: Task, engine: Engine, *, held: bool) -> None:
    """A task that has counted as bound to its engine is not."""
    options = task.submit.options
    task.pool = pool_for(state, (options.engines, task.large > 0, None if options.terms is None else asks_of(options)))
    task.pool.users += 1
    task.target = -1
    task.session.used += task.cost
    if held:
        engine.direct -= 1
        if task.state is State.REVOKING:
            engine.recalled -= 1
        elif task.state is State.SENT:
            engine.spare[task.id] = task


def _parent(session: Session, message: Submit) -> Task | None:
    """Return the task that has submitted this one, if it still runs."""
    engine = session.within
    if not message.within or engine is None or engine.lost:
        return None
    return engine.held.get(TaskId(message.within))


def _feed_all(state: ControllerState, engines: list[Engine]) -> None:
    """Give these engines what waits."""
    for engine in engines:
        feed(state, engine)


def has_told_all(state: ControllerState, session: Session, failed: Ranges) -> None:
    """The client of `session` has submitted again what it has no results of: what else is claimed is not wanted.

    `failed`: its tasks that did not end well, as far as it remembers. What others take as arguments is wanted.
    """
    session.told = True
    session.ends.all_failed(failed)
    needed, session.lacking = session.lacking, set()
    claims, session.claims = session.claims, {}
    unwanted = []
    for number, claim in claims.items():
        if number in needed and not _would_run(claim):
            session.claims[number] = claim
        elif isinstance(claim, Raised):
            acknowledge(state, claim.kept.engine, claim.kept.number)
            drop_output(session, number)
        elif isinstance(claim, Recorded) or (isinstance(claim, Task) and claim.state is State.ENDED):
            let_go(state, session, (number,))
        elif isinstance(claim, Task) and claim.state is not State.RETURNING:
            unwanted.append(claim)
    drop_stored(state, [task for task in unwanted if task.engine is None])
    for number in needed:
        if number not in session.tasks and number not in session.results:
            session.claims.setdefault(number, None)
    _feed_all(state, withdraw_claims(state, [task for task in unwanted if task.engine is not None]))
    nobody_waits_for(state, session, claims)
    session.known_up_to = max(session.known_up_to, session.stored_up_to)
    state.returning.pop(session, None)
    go_on_for(state, session)


def _would_run(claim: Claim) -> bool:
    """Whether a task, which only the store knows, is on no engine: its client has its result, so it must not run."""
    return isinstance(claim, Task) and claim.state in (State.WAITING, State.QUEUED)
