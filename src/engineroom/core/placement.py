"""Which engine runs a balanced task: pools of engines, and the tasks that wait for them.

Invariant: while a task waits in a pool, no engine of that pool has room.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engineroom.core.actions import Record, Send, What
from engineroom.core.engines import CLOSED, Engine
from engineroom.core.policies import POLICIES
from engineroom.core.prefetch import refresh, stalled, take_back
from engineroom.core.queues import Clock, ReadyQueue
from engineroom.core.task_states import Cause, step
from engineroom.core.tasks import Task
from engineroom.protocol.messages import Run

if TYPE_CHECKING:  # the state holds pools
    from engineroom.core.state import ControllerState

_IDLE_POOLS = 32


class Needs(NamedTuple):
    """What a task asks of an engine. Tasks with equal needs share a pool.

    `engines`: None for any. `large`: its bytes come as a stream. (Whatever else decides who may run a task
    belongs here too: a Python version, resources.)
    """

    engines: tuple[int, ...] | None
    large: bool


class Pool:
    """The engines that meet some needs, and the tasks that wait for one of them. `users`: unfinished tasks."""

    __slots__ = ("allowed", "engines", "needs", "policy", "queue", "users")

    def __init__(self, needs: Needs, policy: str, clock: Clock) -> None:
        self.needs = needs
        self.allowed = None if needs.engines is None else frozenset(needs.engines)
        self.engines: dict[Engine, None] = {}
        self.policy = POLICIES[policy]()
        self.queue = ReadyQueue(clock)
        self.users = 0

    def admits(self, engine: Engine) -> bool:
        return self.allowed is None or engine.id in self.allowed

    def update(self, engine: Engine) -> None:
        """The level of `engine`, or what it holds of large tasks, has changed."""
        self.policy.update(engine, CLOSED if self.needs.large and engine.large_full else engine.level)

    def add(self, engine: Engine) -> None:
        self.engines[engine] = None
        engine.pools.append(self)
        self.update(engine)

    def remove(self, engine: Engine) -> None:
        del self.engines[engine]
        self.policy.update(engine, CLOSED)


def pool_for(state: ControllerState, needs: Needs) -> Pool:
    """Return the pool for tasks with these needs, made if it is not there."""
    pool = state.pools.get(needs)
    if pool is None:
        pool = state.pools[needs] = Pool(needs, state.limits.policy, state.clock)
        for engine in state.engines.values():
            if engine.peer is not None and pool.admits(engine):
                pool.add(engine)
        if len(state.pools) > _IDLE_POOLS:
            _drop_unused_pool(state, pool)
    return pool


def _drop_unused_pool(state: ControllerState, spared: Pool) -> None:
    for needs in list(state.pools)[:_IDLE_POOLS]:
        pool = state.pools[needs]
        if pool.users:
            state.pools.move_to_end(needs)
        elif pool is not spared:
            del state.pools[needs]
            for engine in pool.engines:
                engine.pools.remove(pool)
            return


def pick(state: ControllerState, pool: Pool) -> Engine | None:
    """Return the engine that gets the next task of `pool`; None if none has room."""
    while True:
        engine = pool.policy.pick(state.rng)
        if engine is None or not stalled(state, engine):
            return engine
        engine.stalled = True
        refresh(state, engine)


def place(state: ControllerState, task: Task, pool: Pool, *, front: bool = False) -> None:
    """Give a QUEUED task to an engine or let it wait. `front`: ahead of the others of its session."""
    queue = pool.queue
    if not queue.waiting or front:
        engine = pick(state, pool)
        if engine is not None:
            assign(state, task, engine)
            return
    if front:
        queue.push_front(task)
    else:
        queue.push(task)


def assign(state: ControllerState, task: Task, engine: Engine) -> None:
    """Send a QUEUED task to `engine`; if that is away, when it comes back."""
    step(task, Cause.ASSIGNED)
    task.attempt += 1
    task.engine = engine
    if not engine.held:
        engine.progress = state.now
    engine.held[task.id] = task
    cost = task.cost = task.function.cost
    engine.load += cost
    if task.target >= 0:
        engine.direct += 1
    else:
        engine.waiting += 1
        session = task.session
        state.clock.used = session.used
        session.used += cost
    if task.submit.size:
        engine.large_tasks += 1
        engine.large_bytes += task.submit.size
    refresh(state, engine)
    send_run(state, task, engine)


def send_run(state: ControllerState, task: Task, engine: Engine) -> None:
    """Send the current attempt of `task`."""
    if engine.peer is not None:
        submit = task.submit
        state.out.append(
            Send(
                engine.peer,
                Run(task.id, task.attempt, submit.call, task.target >= 0, task.announce, 0, submit.size),
                task.body,
            )
        )
        if state.recording:
            state.out.append(Record(What.SENT, task.id, task.attempt, engine.id))


def unassign(state: ControllerState, task: Task, engine: Engine) -> None:
    """`engine` does not hold `task` any more. Its level is brought up to date by whoever calls this."""
    del engine.held[task.id]
    task.engine = None
    engine.load = engine.load - task.cost if engine.held else 0.0
    if task.target >= 0:
        engine.direct -= 1
    if task.submit.size:
        engine.large_tasks -= 1
        engine.large_bytes -= task.submit.size


def feed(state: ControllerState, engine: Engine) -> None:
    """`engine` may have room: give it what waits; if nothing does and it is idle, take from the others."""
    refresh(state, engine)
    while engine.level != CLOSED:
        pool = _next_pool(engine)
        if pool is None:
            if engine.level == 0 and state.rich:
                take_back(state, engine)
            return
        assign(state, pool.queue.pop(), engine)


def _next_pool(engine: Engine) -> Pool | None:
    """Return the pool whose first task goes next on `engine`. O(pools of this engine)."""
    best = None
    for pool in engine.pools:
        if pool.queue.waiting and not (pool.needs.large and engine.large_full):
            if best is None or pool.queue.rank() < best.queue.rank():
                best = pool
    return best
