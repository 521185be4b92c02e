"""Why something does not run or join, and the lengths of the queues."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING

from engineroom.core.bounds import why_full, why_paused
from engineroom.core.engines import Engine
from engineroom.core.forcing import why_late
from engineroom.core.keeping.running import why_not_ready
from engineroom.core.lives import OF_ONE_LIFE
from engineroom.core.others import why_it_waits
from engineroom.core.placement import pool_of
from engineroom.core.prefetch import stalled
from engineroom.core.presence.telling import silent_hosts
from engineroom.core.recovery import why_held_back
from engineroom.core.results import words_for_dropped
from engineroom.core.sessions import Session
from engineroom.core.task_states import State
from engineroom.core.tasks import Task
from engineroom.core.why_queued import why_queued
from engineroom.ids import TaskId, number_of, session_of
from engineroom.protocol.questions import AboutEngine, AboutTask, EngineQueue, Queues

if TYPE_CHECKING:  # the state holds all this
    from engineroom.core.state import ControllerState

LISTED = 1000
"""So many ids are listed of tasks in one place."""

_WORTH_SAYING = 2.0
"""Seconds for which an engine has finished nothing before those who wait behind that are told."""

MOST_HOSTS = 20
"""So many hosts that do not answer are told of."""

LISTED_IN_ALL = 20_000
"""So many are listed altogether, however many places there are: they have to fit into one message."""


def explain_task(state: ControllerState, task_id: TaskId) -> AboutTask:
    """Return a task's state, the reason, and the facts behind it."""
    session = state.sessions.get(session_of(task_id))
    number = number_of(task_id)
    if session is None:
        return AboutTask("unknown", _why_unknown(state))
    kept = session.results.get(number)
    if kept is not None:
        why = "its result is waiting for its client to " + ("reconnect" if session.peer is None else "acknowledge it")
        return AboutTask("ended", why, kept.result.engine)
    if any(first <= number <= last for first, last in session.dropped):
        return AboutTask("ended", words_for_dropped(state))
    task = session.tasks.get(number)
    if task is None:
        return _without_task(session, number)
    engine = -1 if task.engine is None else task.engine.id
    return AboutTask(
        task.state.name.lower(),
        _why(state, task),
        engine,
        task.attempt & OF_ONE_LIFE,
        task.errors,
        task.failed_on,
        tuple(death.in_short for death in task.died),
        task.withdrawn is not None,
        _stands(state, task),
    )


def _stands(state: ControllerState, task: Task) -> bool:
    """Whether `task` does not go on by itself, however long its client waits."""
    engine, pool = task.engine, task.pool
    if engine is not None:
        full = engine.full is not None and task.state is not State.STARTED
        return full or engine.peer is None or engine.silent_since is not None or bool(why_late(state, task, engine))
    if task.session.paused:
        return True
    queued = task.state is State.QUEUED and pool is not None
    return queued and all(engine.silent_since is not None for engine in pool_of(task).engines)


def _without_task(session: Session, number: int) -> AboutTask:
    if number in session.unsent:
        return AboutTask("unknown", "its payload did not arrive, and its client has been asked to submit it again")
    if number <= max(session.known_up_to, session.stored_up_to):
        return AboutTask("delivered", "its client has received the result")
    return AboutTask("unknown", "the controller has not received it")


def _why_unknown(state: ControllerState) -> str:
    return (
        "no client with this session is known; results of a client that disconnects are kept for "
        f"{state.limits.linger:g} s (IPController.linger)"
    )


def _why(state: ControllerState, task: Task) -> str:
    engine = task.engine
    if engine is None and task.session.paused:
        return why_paused(state, task.session)
    if task.state is State.WAITING:
        return _why_beside(state, task)
    if engine is None:
        return "" if task.pool is None else why_queued(state, task.pool)
    return why_late(state, task, engine) or _why_there(state, task, engine)


def _why_there(state: ControllerState, task: Task, engine: Engine) -> str:
    """Return what a task does, or waits for, on the engine that has it."""
    if engine.account is not None:
        return f"it must run on engine {engine.id}, which has connected and is still listing the tasks that it holds"
    if engine.peer is None:
        return f"it must run on engine {engine.id}, which has lost its connection; waiting for the engine to reconnect"
    if task.state is State.RETURNING:
        return f"it has ended on engine {engine.id}, which still has its result: {why_paused(state, task.session)}"
    if engine.silent_since is not None:
        return f"it is on engine {engine.id}, which has not answered for {state.now - engine.silent_since:.0f} s"
    if engine.full is not None and task.state is not State.STARTED:
        return f"it is on engine {engine.id}, which starts no tasks now: {why_full(engine.full)}"
    if task.state is State.STARTED:
        return f"it is running on engine {engine.id}"
    if task.state is State.REVOKING:
        return f"engine {engine.id} has been asked to give it back"
    place = list(engine.held).index(task.id)
    return _why_behind(state, engine, place) if place else f"it is on engine {engine.id}, and is the next to run there"


def _why_behind(state: ControllerState, engine: Engine, place: int) -> str:
    """Return that a task waits on `engine` for so many others."""
    ahead = "behind 1 other" if place == 1 else f"behind {place} others"
    slow = state.now - engine.progress
    busy = f" (busy for {slow:.0f} s)" if slow > _WORTH_SAYING else ""
    return f"it is on engine {engine.id}, {ahead}{busy}"


def _why_beside(state: ControllerState, task: Task) -> str:
    arrival, line = task.arrival, task.line
    if task in state.held_back:
        return why_held_back(state, task)
    if task.waits is not None and task.waits.open:
        return f"waiting for {why_it_waits(task, task.waits)}"
    if task.id in task.function.waiting:
        return "waiting for its client to send its function"
    if arrival is not None and arrival.asked:
        return f"waiting for its client to send its arguments ({arrival.size / 2**20:.1f} MiB)"
    if arrival is not None:
        ahead = 0 if line is None else line.ahead
        return (
            f"its arguments ({arrival.size / 2**20:.1f} MiB) will be sent when earlier tasks of its client "
            f"({ahead / 2**20:.1f} MiB) have started"
        )
    return (
        f"it must run on engine {task.target} after an earlier task of its client, which waits for its function or "
        "arguments"
    )


def explain_engine(state: ControllerState, engine_id: int) -> AboutEngine:
    """Return an engine's state, the reason, and the facts behind it."""
    engine = state.engines.get(engine_id)
    if engine is None:
        departed = state.departed_ids.get(engine_id)
        if departed is not None:
            return AboutEngine("gone", departed.cause, seconds_ago=state.now - departed.at)
        if state.was_used(engine_id):
            return AboutEngine("gone", "it left long ago")
        return AboutEngine("unknown", "no engine with this id has joined")
    name, why = _condition(state, engine)
    return AboutEngine(
        name,
        why or engine.info.problem,
        engine.direct,
        len(engine.held) - engine.direct,
        tuple(task.id for task in engine.held.values() if task.state is State.STARTED),
        engine.completed,
        engine.load,
        len(engine.unacknowledged),
    )


def _condition(state: ControllerState, engine: Engine) -> tuple[str, str]:
    if engine.account is not None:
        return "connecting", "it has connected and is still listing the tasks that it holds"
    if engine.peer is None:
        return "away", "it has lost its connection; its tasks wait for it to reconnect"
    if engine.silent_since is not None:
        seconds = state.now - engine.silent_since
        return "unresponsive", f"it has not answered for {seconds:.0f} s: it is stopped, or its C code holds the GIL"
    if engine.full is not None:
        return "full", why_full(engine.full)
    if engine.first:
        return "not ready", why_not_ready(engine)
    if not engine.held:
        return "idle", ""
    if engine.stalled or stalled(state, engine):
        return "busy", f"it has finished nothing for {state.now - engine.progress:.1f} s"
    return "busy", ""


def queues(state: ControllerState, *, verbose: bool = False) -> Queues:
    """Return what each engine has to do; `verbose`: with the ids of tasks, of at most LISTED in each place.

    Tasks that have ended are only counted: their ids are not kept.
    """
    listed = min(LISTED, LISTED_IN_ALL // (2 * len(state.engines) + 1)) if verbose else 0
    engines = tuple(_queue(state, engine, listed) for engine in state.engines.values())
    waiting = sum(pool.queue.waiting for pool in state.pools.values())
    waiting += sum(_beside(state, session) for session in state.sessions.values())
    unfinished = (task for session in state.sessions.values() for task in session.tasks.values())
    silent = tuple(silent_hosts(state)[:MOST_HOSTS])
    return Queues(engines, waiting, _ids((task for task in unfinished if task.engine is None), listed), silent)


def _beside(state: ControllerState, session: Session) -> int:
    """Return how many tasks of `session` wait for something else than a free engine."""
    if session.paused:
        return sum(task.engine is None for task in session.tasks.values())
    if session.arrivals or state.away or any(engine.lines for engine in state.engines.values()):
        return sum(task.state is State.WAITING for task in session.tasks.values())
    return 0


def _queue(state: ControllerState, engine: Engine, listed: int) -> EngineQueue:
    direct = (task for task in engine.held.values() if task.target >= 0)
    balanced = (task for task in engine.held.values() if task.target < 0)
    return EngineQueue(
        engine.id,
        engine.direct,
        len(engine.held) - engine.direct,
        engine.completed,
        _ids(direct, listed),
        _ids(balanced, listed),
        0.0 if engine.silent_since is None else max(0.1, state.now - engine.silent_since),
    )


def _ids(tasks: Iterable[Task], most: int) -> tuple[TaskId, ...]:
    return tuple(task.id for task in islice(tasks, most))
