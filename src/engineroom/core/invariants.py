"""What must hold after every event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.claims import Raised
from engineroom.core.claims_hold import check_claims, check_recovery
from engineroom.core.edges import EDGE_BYTES, edges_of
from engineroom.core.edges_hold import check_edges
from engineroom.core.engines import Engine
from engineroom.core.keeping.invariants import check_keeping
from engineroom.core.lines import Line
from engineroom.core.placement import Pool
from engineroom.core.prefetch import level_of
from engineroom.core.presence.invariants import check_presence
from engineroom.core.prospects import hopeless
from engineroom.core.sessions import Session
from engineroom.core.task_states import State
from engineroom.core.tasks import Task
from engineroom.core.unsent import UNSENT_BYTES
from engineroom.core.whole_calls import check_calls
from engineroom.ids import TaskId, task_id

if TYPE_CHECKING:  # the state calls this
    from engineroom.core.state import ControllerState


def check(state: ControllerState) -> None:
    """Assert that every task is in exactly one place, and that all counts agree. O(everything): for tests."""
    waiting = _waiting(state)
    tasks = {task.id: task for session in state.sessions.values() for task in session.tasks.values()}
    for task in tasks.values():
        _check_task(state, task, waiting)
    beside = sum(task.state is State.WAITING for task in tasks.values())
    left = [its for session in state.sessions.values() for its in session.returns]
    left += [its for engine in state.engines.values() for its in engine.returns.values() if its.asked]
    returning = sum(its.task.state is State.RETURNING for its in left)
    held = sum(len(engine.held) for engine in state.engines.values())
    assert held + len(waiting) + beside + returning == len(tasks)
    for engine in state.engines.values():
        _check_engine(state, engine, tasks)
    for needs, pool in state.pools.items():
        assert pool.needs == needs
        _check_pool(state, pool, tasks)
    for session in state.sessions.values():
        _check_session(state, session)
    _check_acknowledgements(state)
    _check_functions(state, tasks)
    check_keeping(state)
    _check_registers(state)
    check_edges(state)
    check_calls(state)
    check_presence(state)
    check_recovery(state)


def _waiting(state: ControllerState) -> dict[TaskId, Task]:
    waiting = [task for pool in state.pools.values() for task in pool.queue.tasks()]
    found = {task.id: task for task in waiting}
    assert len(found) == len(waiting), "a task waits twice"
    return found


def _check_task(state: ControllerState, task: Task, waiting: dict[TaskId, Task]) -> None:
    assert task.id == task_id(task.session.id, task.number)
    assert task.state is not State.ENDED
    if task.state is State.QUEUED:
        assert task.engine is None
        assert waiting.get(task.id) is task
        assert task.target < 0 or task.session.paused
        assert task.withdrawn is None
        assert not task.lacks
    elif task.state is State.WAITING:
        _check_beside(state, task)
        assert task.id not in waiting
    else:
        assert not task.lacks
        assert task.id not in waiting
        assert task.engine is not None
        assert task.engine is state.engines[task.engine.id]
        if task.state is State.RETURNING:
            assert task.engine.returns[task.id].task is task
        else:
            assert task.engine.held.get(task.id) is task
        assert task.attempt > 0
    assert (task.target < 0) == (task.pool is not None)
    assert task.errors <= task.submit.options.retries


def _check_beside(state: ControllerState, task: Task) -> None:
    """What waits for bytes is on no engine, is found by those who bring them, and keeps the order of direct tasks."""
    arrival, lacking = task.arrival, task.id in task.function.waiting
    assert task.engine is None
    held_back = task in state.held_back
    assert task.lacks == (arrival is not None) + lacking + held_back + (0 if task.waits is None else task.waits.open)
    assert task.function.away or not lacking
    if arrival is not None:
        assert arrival.tasks[task.number] is task
        assert task.session.arrivals[arrival.number] is arrival
    if task.target < 0:
        assert task.lacks
    else:
        assert task.line is not None
        assert task in task.line.tasks


def _check_line(state: ControllerState, line: Line, tasks: dict[TaskId, Task]) -> None:
    """So many bytes are asked for as may be, one task's in any case."""
    limits = state.limits
    assert line.place.lines[line.session] is line
    assert line.ahead == sum(line.counted.values())
    assert all(tasks[id_].line is line for id_ in line.counted)
    waiting = [task for task in line.tasks if task.state is State.WAITING]
    assert line.live == len(waiting)
    assert [task.number for task in waiting] == sorted(task.number for task in waiting)
    recalled = isinstance(line.place, Engine) and line.place.recalled > 0
    assert recalled or line.session.paused or line.session.unsent or not waiting or waiting[0].lacks
    most = limits.ahead_bytes if line.place.is_pool else limits.ahead_direct_bytes
    more = sum(size > 0 for size in line.counted.values()) - 1  # one call in any case, however often it names a place
    if more > 0:
        assert line.ahead - max(line.counted.values()) <= most
        assert more <= limits.ahead_tasks
    assert line.place.is_pool or line.pending == sum(task.id in line.counted for task in waiting)
    offered = [task for _, _, task in line.offers if task.line is line and task.arrival is not None]
    assert not offered or line.counted, "bytes are not asked for though nothing is ahead of them"
    assert line.live or line.counted or offered


def _check_engine(state: ControllerState, engine: Engine, tasks: dict[TaskId, Task]) -> None:
    held = list(engine.held.values())
    assert all(tasks.get(task.id) is task and task.engine is engine for task in held)
    assert engine.direct == sum(task.target >= 0 for task in held)
    assert engine.recalled == engine.unready + sum(task.target >= 0 and task.state is State.REVOKING for task in held)
    for line in engine.lines.values():
        _check_line(state, line, tasks)
    sent = {task.id for task in held if task.target < 0 and task.state is State.SENT}
    assert engine.spare.keys() == {id_ for id_ in sent if (its := tasks[id_].waits) is None or not its.missing}
    assert engine.input_bytes == sum(engine.inputs.values())
    assert state.lives[engine.life] is engine
    assert engine.large_tasks == sum(task.large > 0 for task in held)
    assert engine.large_bytes == sum(task.large for task in held)
    assert abs(engine.load - sum(task.cost for task in held)) < 1e-6
    assert engine.level == level_of(state, engine)
    assert engine.closed == (engine.peer is None or engine.full is not None or bool(engine.first))
    assert (engine in state.idle) == (engine.level == 0)
    assert engine.rich == (engine in state.rich)
    assert engine.rich == (engine.peer is not None and len(held) > 1 and len(engine.spare) > 0)
    admitting = [pool for pool in state.pools.values() if engine.peer is not None and pool.admits(engine)]
    assert sorted(map(id, engine.pools)) == sorted(map(id, admitting))


def _check_pool(state: ControllerState, pool: Pool, tasks: dict[TaskId, Task]) -> None:
    assert pool.users == sum(task.pool is pool for task in tasks.values())
    assert pool.queue.waiting == sum(not task.session.paused for task in pool.queue.tasks())
    assert all(task.pool is pool for task in pool.queue.tasks())
    assert all(pool in engine.pools for engine in pool.engines)
    for line in pool.lines.values():
        _check_line(state, line, tasks)
    if pool.queue.waiting:
        assert all(engine.level != 0 for engine in pool.engines), "a task waits although an engine is idle"
        assert pool.engines or not hopeless(state, pool.allowed), "a task waits though nobody will ever run it"


def _check_session(state: ControllerState, session: Session) -> None:
    coming = [its for engine in state.engines.values() for its in engine.returns.values()]
    asked = sum(its.size for its in coming if its.asked and not its.needed and its.task.session is session)
    written = sum(kept.size for kept in session.outputs.values() if kept.ended)
    inputs = sum(kept.size for kept in session.results.values() if kept.use is not None and kept.use.counted)
    staying = sum(kept.size for kept in session.staying.values())
    assert session.staying_bytes == staying
    kept_bytes = sum(kept.size for kept in session.results.values()) - inputs - staying + asked + written
    assert session.kept_bytes == kept_bytes
    needed = sum(its.size for its in coming if its.needed and its.task.session is session)
    assert session.input_bytes == inputs + needed
    raised = [claim for claim in session.claims.values() if isinstance(claim, Raised)]
    assert all(kept.ended == (number in session.results) for number, kept in session.outputs.items())
    assert set(session.returns) == {its for its in coming if not its.asked and its.task.session is session}
    assert session.paused or not session.returns
    assert not session.tasks.keys() & session.results.keys()
    unsent = UNSENT_BYTES * len(session.unsent)
    unsent += EDGE_BYTES * sum(edges_of(task.waits) for task in session.tasks.values() if task.waits is not None)
    assert session.submitted_bytes == sum(task.size for task in session.tasks.values()) + unsent
    assert not session.unsent.keys() & (session.tasks.keys() | session.results.keys())
    known = session.tasks.keys() | session.results.keys() | session.unsent.keys()
    assert session.outputs.keys() <= known | (session.claims.keys() if raised else set())
    assert session.output_bytes == sum(kept.size for kept in session.outputs.values() if not kept.ended)
    assert session.output_bytes <= state.limits.output_bytes
    assert session.paused == (session in state.paused)
    assert session.paused or session.kept_bytes <= session.room
    assert session.room == state.limits.own_bytes + session.granted
    for task in session.tasks.values():
        if session.paused and task.state is State.SENT:
            raise AssertionError("a task of a paused session is about to start")
    numbers = (*session.tasks, *session.results, *session.unsent)
    assert state.first_attempt or all(number <= session.known_up_to for number in numbers)
    check_claims(state, session)
    assert all(number > session.delivered_up_to for number in session.unsent)
    assert all(
        number > session.delivered_up_to or (kept.use is not None and kept.use.delivered)
        for number, kept in session.results.items()
    )
    session.ends.check()
    for number, arrival in session.arrivals.items():
        assert arrival.number == number
        assert arrival.tasks
        assert all(task.arrival is arrival for task in arrival.tasks.values())
    if session.peer is None:
        assert all(its.stored for its in session.arrivals.values()), "bytes are waited for that nobody can send"
        assert state.gone[session.id] is session
    else:
        assert state.clients[session.peer] is session
        assert session.id not in state.gone


def _check_acknowledgements(state: ControllerState) -> None:
    """Each result of a living engine is kept for a client, or until its record is written, or may be forgotten by the
    engine: only one of these."""
    kept = [kept for session in state.sessions.values() for kept in session.results.values() if kept.number]
    kept += [its for its in state.journal.uncommitted if its.number]
    kept += [
        claim.kept for each in state.sessions.values() for claim in each.claims.values() if isinstance(claim, Raised)
    ]
    for engine in state.engines.values():
        numbers = [its.number for its in kept if its.engine is engine]
        assert sorted(numbers) == sorted(engine.unacknowledged)
        assert not engine.unacknowledged.keys() & engine.fresh.keys()
        assert engine in state.owed or not engine.fresh or engine.peer is None
    assert all(not engine.lost for engine in state.owed)


def _check_functions(state: ControllerState, tasks: dict[TaskId, Task]) -> None:
    for hash_, function in state.functions.items():
        users = sum(task.function is function for task in tasks.values())
        users += sum(call.function is function for call in state.kept.values())
        assert function.users == users
        assert (hash_ in state.idle_functions) == (users == 0 and hash_ != b"")
        assert function.cost > 0
        assert function.away == (state.away.get(hash_) is function)
        assert all(tasks.get(id_) is task and task.function is function for id_, task in function.waiting.items())
        assert function.away or not function.waiting
        assert function.senders or not function.waiting, "a function is waited for that nobody can send"
        assert function.senders.keys() <= state.clients.keys()
    assert state.away.keys() <= state.functions.keys()
    assert state.idle_function_bytes == sum(state.functions[hash_].size for hash_ in state.idle_functions)


def _check_registers(state: ControllerState) -> None:
    assert state.clients.keys() | set() == {s.peer for s in state.sessions.values() if s.peer is not None}
    assert state.granted == sum(session.granted for session in state.sessions.values())
    assert state.granted <= state.limits.all_kept_bytes
    assert set(state.paused) <= set(state.sessions.values())
    assert {engine.instance: engine for engine in state.engines.values()} == state.instances
    assert {engine.known_as: engine for engine in state.engines.values()} == state.engine_peers
    assert set(state.idle) | set(state.rich) <= set(state.engines.values())
    assert all(state.was_used(id_) for id_ in state.engines)
    assert not state.was_used(state.next_id)
    assert all(state.departed.get(departed.instance) is departed for departed in state.departed_ids.values())
    assert not state.departed.keys() & state.instances.keys()
    assert not state.departed_ids.keys() & state.engines.keys()
    for host, unsaid in state.unsaid.items():
        assert host in state.hosts
        assert unsaid
        assert {instance: state.departed[instance].id for instance in unsaid} == unsaid
    deadline = state.deadlines[0][0] if state.deadlines else None
    times = (state.owed_at, state.rebalance_at, state.expire_at, state.presence.agenda.next(), deadline)
    due = [when for when in times if when is not None]
    assert not due or (state.wake_at is not None and state.wake_at <= min(due))
