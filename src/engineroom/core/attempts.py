"""What engines report about the tasks they were sent, and what happens to these tasks when an engine dies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.acknowledgements import acknowledge
from engineroom.core.claims import incomplete, is_claim, raised
from engineroom.core.edges import HasLeft, Prerequisites
from engineroom.core.engines import Engine
from engineroom.core.families import who_waits
from engineroom.core.fullness import arrived_while_full
from engineroom.core.holding import held_attempt, named
from engineroom.core.journal import note_try
from engineroom.core.keeping.running import ran as kept_call_ran
from engineroom.core.lines import release
from engineroom.core.placement import (
    assign,
    drain,
    feed,
    place,
    place_elsewhere,
    pool_of,
    send_run,
    unassign,
)
from engineroom.core.prefetch import goes_on, guessed_right
from engineroom.core.prospects import hopeless, nowhere
from engineroom.core.results import cannot, finish, give_up, give_up_all, lost
from engineroom.core.returns import arrived as result_arrived
from engineroom.core.returns import will_retry
from engineroom.core.started import mark_started
from engineroom.core.task_states import Cause, State, step
from engineroom.core.tasks import Task
from engineroom.core.unsent import UNSENT
from engineroom.core.waiting import resume, wait
from engineroom.ids import Peer, TaskId
from engineroom.protocol.messages import Finished, Outcome, Status, Withdrawn

if TYPE_CHECKING:  # the state holds tasks
    from engineroom.core.state import ControllerState

_LONG = 60.0
"""Seconds of run time beyond which an engine's word is not enough."""


NOT_TWICE = (
    "the engine that ran this task died, the controller was restarted meanwhile, and its client, which could submit it "
    "again, is gone"
)

_RETURNED = (State.REVOKING, State.STARTED)
"""An engine that has announced a start may find then that it lacks the function; so that is given back as well."""


def queue(state: ControllerState, task: Task) -> None:
    """Queue a balanced QUEUED task for the engines that may run it; end it if none ever can."""
    if can_run(state, task):
        place(state, task, pool_of(task))


def put_back(state: ControllerState, tasks: list[Task]) -> None:
    """Have QUEUED tasks, which have waited their turn once already, run ahead of others, in this order."""
    tasks = [task for task in tasks if can_run(state, task) and not _must_wait(state, task)]
    for task in reversed(tasks):
        task.interrupt = False  # it was meant for where the task was
        pool_of(task).queue.push_front(task)
    for pool in {pool_of(task): None for task in tasks}:
        drain(state, pool)
    for task in tasks:
        if task.submit.within and task.state is State.QUEUED and (engine := who_waits(state, task)) is not None:
            feed(state, engine)


def _must_wait(state: ControllerState, task: Task) -> bool:
    """Have a balanced QUEUED task wait beside if its function has gone astray, it waits for others again, or its client
    has to submit it once more."""
    if _is_asked_for(state, task):
        return True
    if task.function.away or (task.waits is not None and task.waits.open):
        wait(state, task, pool_of(task))
        return True
    return False


def _is_asked_for(state: ControllerState, task: Task) -> bool:
    """Have the client of a QUEUED task submit it once more, if not all is here that it takes to run it."""
    if not state.first_attempt or not incomplete(task):
        return False
    give_up(state, task, UNSENT if task.session.may_send_again(task) else lost(NOT_TWICE))
    return True


def can_run(state: ControllerState, task: Task) -> bool:
    """End `task`, if no engine that may run it is there or will come."""
    pool = task.pool
    assert pool is not None
    if pool.engines or not hopeless(state, pool.allowed):
        return task.waits is None or can_follow(state, task, task.waits)
    release(state, task)
    give_up(state, task, nowhere(state, pool.allowed))
    return False


def can_follow(state: ControllerState, task: Task, waits: Prerequisites) -> bool:
    """End a QUEUED `task` that must run where others ran, if that process is gone."""
    following = waits.gates.following
    if following is None or any(life in state.lives for life in following):
        return True
    release(state, task)
    give_up(state, task, cannot("the engine that ran the tasks it follows has ended"))
    return False


def note_departure(state: ControllerState, task: Task, engine: Engine) -> None:
    """`task` has left `engine` without an end: those that wait there for it can't stay, and it is counted on from this
    life of the controller."""
    task.attempt = max(task.attempt, state.first_attempt)
    if task.number in task.session.awaited:
        state.news.append(HasLeft(task, engine))


def finished(  # noqa: C901 (it is called for each task, and a call costs more than a branch)
    state: ControllerState, peer: Peer, message: Finished, body: object = None
) -> None:
    """An attempt has ended."""
    engine = state.engine_peers.get(peer)
    if engine is None or message.number in engine.unacknowledged:  # a repetition: it is here, and is kept
        return
    engine.unacknowledged[message.number] = None
    if engine.returns:
        result_arrived(state, engine, message.task)
    task = engine.held.get(message.task)
    if task is None or task.attempt != message.attempt:
        _of_no_task(state, engine, message)
        return
    unassign(state, task, engine)
    outcome = message.outcome
    overhead = state.limits.task_overhead
    seconds = outcome.seconds
    if engine.stalled:
        goes_on(state, engine, seconds)
    engine.completed += 1
    engine.progress = state.now
    if seconds > _LONG:  # it can't have run for longer than the engine is here
        seconds = min(seconds, max(_LONG, state.now - engine.since))
    task.function.learn(seconds, overhead)
    if task.target < 0:
        task.session.used += seconds + overhead - task.cost
    if outcome.status == Status.ERROR and will_retry(task):
        _raised(state, task, engine, message, body)
    else:
        finish(state, task, engine, message, body)
    if engine.lines or engine.to_free:
        _let_others_on(state, engine, task)
    feed(state, engine)


def _raised(state: ControllerState, task: Task, engine: Engine, message: Finished, body: object) -> None:
    """`task` has raised, and is to be tried again, unless only its client can say that."""
    if is_claim(task):
        raised(state, task, engine, message, body)
    else:
        acknowledge(state, engine, message.number)
        _retry(state, task, engine, message.outcome.error)


def _of_no_task(state: ControllerState, engine: Engine, message: Finished) -> None:
    """What has ended is an attempt that counts no more, or a kept call."""
    acknowledge(state, engine, message.number)
    if message.task in engine.first:
        kept_call_ran(state, engine, message)


def _let_others_on(state: ControllerState, engine: Engine, ended: Task) -> None:
    if engine.to_free > 0:
        arrived_while_full(state, engine, ended)
    resume(state, engine)


def _retry(state: ControllerState, task: Task, engine: Engine, words: str) -> None:
    """`task` raised on `engine`: once more, elsewhere if there is an elsewhere."""
    task.errors += 1
    task.interrupt = False
    step(task, Cause.AGAIN)
    note_departure(state, task, engine)
    note_try(state, task, engine, f"raised {words}" if words else "raised")
    if _is_asked_for(state, task):
        return
    if task.target >= 0:
        send_again(state, task, engine)
        return
    task.failed_on += (engine.id,)
    if task.session.paused or not place_elsewhere(state, task, pool_of(task)):
        put_back(state, [task])


def started(state: ControllerState, peer: Peer, task_id: TaskId, attempt: int) -> None:
    """An attempt runs, or an engine that was asked for it says that it is too late."""
    if (found := held_attempt(state, peer, task_id, attempt)) is not None:
        mark_started(state, *found)


def revoked(state: ControllerState, peer: Peer, task_id: TaskId, attempt: int) -> None:
    """An engine has given an attempt back."""
    found = held_attempt(state, peer, task_id, attempt)
    if found is None:
        return
    task, engine = found
    if task.state in _RETURNED:
        guessed_right(state)
        given_back(state, task, engine)
        resume(state, engine)
        feed(state, engine)


def withdrawn(state: ControllerState, peer: Peer, message: Withdrawn) -> None:
    """An engine has forgotten attempts: the tasks that nobody wants end, all those with one outcome together.

    O(what it holds), whatever it says.
    """
    engine = state.engine_peers.get(peer)
    if engine is None:
        return
    wanted: list[Task] = []
    over: dict[int, tuple[Outcome, list[Task]]] = {}
    for task in named(engine, message.attempts):
        if task.state not in _RETURNED:
            continue
        unassign(state, task, engine)
        if task.withdrawn is None:
            wanted.append(task)
        else:
            over.setdefault(id(task.withdrawn), (task.withdrawn, []))[1].append(task)
    for outcome, tasks in over.values():
        give_up_all(state, tasks, outcome)
    if wanted:
        guessed_right(state)
    _run_again(state, wanted, engine)
    resume(state, engine)
    feed(state, engine)


def given_back(state: ControllerState, task: Task, engine: Engine) -> None:
    """`engine` has not started `task` and never will. Whoever calls this feeds `engine`."""
    unassign(state, task, engine)
    if task.withdrawn is not None:
        give_up(state, task, task.withdrawn)
        return
    _run_again(state, [task], engine)


def _run_again(state: ControllerState, tasks: list[Task], engine: Engine) -> None:
    """Have tasks that `engine` has given back, in the order of sending, run later: direct ones there."""
    for task in tasks:
        step(task, Cause.AGAIN)
        note_departure(state, task, engine)
        if task.target >= 0 and not _is_asked_for(state, task):
            task.interrupt = False
            wait(state, task, engine)
    put_back(state, [task for task in tasks if task.target < 0])


def run_later(state: ControllerState, task: Task, engine: Engine) -> None:
    """`engine` does not have a task that it was sent: send it once more, or have its client submit it again."""
    if state.first_attempt and incomplete(task):
        unassign(state, task, engine)
        _run_again(state, [task], engine)
    else:
        send_run(state, task, engine)


def send_again(state: ControllerState, task: Task, engine: Engine) -> None:
    """Send a direct QUEUED task to the engine that it is bound to, unless its session is paused."""
    if task.session.paused or (task.waits is not None and task.waits.open):
        wait(state, task, engine)
    else:
        assign(state, task, engine)
