"""Which engine runs a balanced task: pools of engines, and the tasks that wait for them.

Invariant: while a task waits in a pool, no engine of that pool is idle.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from engineroom.core.actions import Send
from engineroom.core.capabilities import Asks, has
from engineroom.core.edges import IsPlaced
from engineroom.core.engines import CLOSED, Engine
from engineroom.core.families import end_family, next_descendant, on_behalf_of, who_waits
from engineroom.core.inputs import inputs_of, send_inputs
from engineroom.core.lines import Line, release
from engineroom.core.nearness import nearest
from engineroom.core.policies import POLICIES
from engineroom.core.prefetch import count_large, fits, level_of, refresh, stalled, take_back
from engineroom.core.queues import Clock, ReadyQueue
from engineroom.core.sessions import Session
from engineroom.core.task_states import Cause, State, step
from engineroom.core.tasks import MeasuredFunction, Task
from engineroom.protocol.messages import Run

if TYPE_CHECKING:  # the state holds pools
    from engineroom.core.state import ControllerState

_IDLE_POOLS = 32
_CHOICES = 4


class Needs(NamedTuple):
    """The requirements of a task for its engine. Tasks with equal needs share a pool.

    `engines`: None for any. `large`: its bytes come as a stream. `asks`: resources and tags. (Whatever else decides who
    may run a task belongs here too: a Python version.)
    """

    engines: tuple[int, ...] | None
    large: bool
    asks: Asks | None = None


class Pool:
    """The engines that meet some needs, and the tasks that wait for one of them. `users`: unfinished tasks.

    `lines`: by session, what is on its way to wait here. `last`: the engine that was picked last; `left`: so many more
    calls of `function` follow there until `until`, see `_begin_batch`.
    """

    is_pool = True

    __slots__ = (
        "allowed",
        "asks",
        "engines",
        "function",
        "last",
        "left",
        "lines",
        "needs",
        "policy",
        "queue",
        "until",
        "users",
    )

    def __init__(self, needs: Needs, policy: str, clock: Clock) -> None:
        self.needs = needs
        self.allowed = None if needs.engines is None else frozenset(needs.engines)
        self.asks = None if needs.asks is None else Asks(*needs.asks)
        self.engines: OrderedDict[Engine, None] = OrderedDict()
        self.policy = POLICIES[policy]()
        self.queue = ReadyQueue(clock)
        self.lines: dict[Session, Line] = {}
        self.users = 0
        self.last: Engine | None = None
        self.function: MeasuredFunction | None = None
        self.left, self.until = 0, 0.0

    def admits(self, engine: Engine) -> bool:
        if self.asks is not None and not has(engine.info, self.asks):
            return False
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
        self.left = 0


def pool_of(task: Task) -> Pool:
    """Return the pool of a balanced task."""
    assert task.pool is not None
    return task.pool


def pool_for(state: ControllerState, needs: tuple[tuple[int, ...] | None, bool, object]) -> Pool:
    """Return the pool for tasks with these `Needs`, made if it is not there."""
    pool: Pool | None = state.pools.get(needs)  # type: ignore[call-overload]  # a tuple finds its equal, and is sooner made
    if pool is None:
        made = Needs(*needs)  # type: ignore[arg-type]  # what is asked for is equal to its Asks
        pool = state.pools[made] = Pool(made, state.limits.policy, state.clock)
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


def pick(state: ControllerState, task: Task, pool: Pool) -> Engine | None:
    """Return the engine that gets `task`, the next of `pool`; None if none has room."""
    while True:
        engine = pool.policy.pick(state.rng)
        if engine is None:
            return None
        if not stalled(state, engine):
            if task.waits is not None and pool.policy.looks_at_load:
                engine = nearest(state, task, task.waits, pool, engine)
            return engine if fits(state, task, engine) else None
        engine.stalled = True
        refresh(state, engine)


def place(state: ControllerState, task: Task, pool: Pool) -> None:
    """Give a QUEUED task to an engine that has room, or let it wait."""
    if not task.session.paused:
        engine: Engine | None
        if pool.left and state.now < pool.until and task.function is pool.function and _may_follow(task, pool):
            engine = pool.last
            pool.left -= 1
        else:
            engine = None if pool.queue.waiting else pick(state, task, pool)
            if engine is not None and pool.users > state.limits.spread_tasks:
                _begin_batch(state, task.function, pool, engine)
        if task.submit.within and (engine is None or engine.held):
            engine = who_waits(state, task) or engine
        if engine is not None:
            assign(state, task, engine)
            refresh(state, engine)
            return
    pool.queue.push(task)


def _begin_batch(state: ControllerState, function: MeasuredFunction, pool: Pool, engine: Engine) -> None:
    """Have the next few calls of a tiny function follow one that goes to `engine`.

    Each engine that is sent something costs a write here and a read there, and the same on the way back: as much as
    several tiny tasks. So where many wait, each engine gets some of them at a time.
    """
    limits = state.limits
    if function.measured and pool.policy.batches:
        pool.left = max(0, min(limits.batch_tasks, int(limits.batch_seconds / function.cost)) - 1)
        pool.last, pool.function, pool.until = engine, function, state.now + limits.batch_until


def _may_follow(task: Task, pool: Pool) -> bool:
    """Whether `task` may go where the last one went."""
    assert pool.last is not None
    return pool.last.level != CLOSED and task.waits is None and not task.large and not pool.queue.waiting


def drain(state: ControllerState, pool: Pool) -> None:
    """Assign the tasks that wait in `pool`, as far as there is room."""
    while pool.queue.waiting:
        task = pool.queue.pop()
        engine = pick(state, task, pool)
        if engine is None:
            pool.queue.push_front(task)
            return
        assign(state, task, engine)
        refresh(state, engine)


def place_elsewhere(state: ControllerState, task: Task, pool: Pool) -> bool:
    """Give a QUEUED task to an engine that it has not failed on, room or not. False: there is none.

    The least loaded of the next few in turn; what falls idle meanwhile takes it from there.
    """
    best = None
    for engine in list(islice(pool.engines, len(task.failed_on) + _CHOICES)):
        pool.engines.move_to_end(engine)
        if engine.id not in task.failed_on and not engine.first and (best is None or engine.load < best.load):
            best = engine
    if best is None:
        return False
    assign(state, task, best)
    refresh(state, best)
    return True


def assign(state: ControllerState, task: Task, engine: Engine) -> None:
    """Send a QUEUED task to `engine`; if that is away, when it comes back. Whoever calls this refreshes `engine`."""
    step(task, Cause.ASSIGNED)
    task.attempt += 1
    task.engine = engine
    if not engine.held:
        engine.progress = state.now
        engine.stalled = False
    engine.held[task.id] = task
    session = task.session
    cost = task.cost = task.function.cost
    engine.load += cost
    if task.target >= 0:
        engine.direct += 1
    else:
        if task.waits is None or not task.waits.missing:
            engine.spare[task.id] = task
        state.clock.used = session.used
        session.used += cost
    if task.large:
        count_large(state, engine, 1, task.large)
        if task.target < 0:
            release(state, task)
    if session.awaited and task.number in session.awaited:
        state.news.append(IsPlaced(task))
    send_run(state, task, engine)


def send_run(state: ControllerState, task: Task, engine: Engine) -> None:
    """Send the current attempt of `task`."""
    if engine.peer is not None:
        submit = task.submit
        terms = submit.options.terms
        announce = task.deaths > 0 or not submit.options.rerun_lost or (terms is not None and terms.restart)
        run = Run(task.id, task.attempt, submit.call, task.target >= 0, announce, terms)
        if submit.within:
            run = replace(run, within=on_behalf_of(state, task, engine))
        if task.waits is not None and task.waits.inputs:
            run = replace(run, inputs=inputs_of(task, task.waits))
            send_inputs(state, task, task.waits, engine)
        state.out.append(Send(engine.peer, run, task.body))


def move(task: Task, pool: Pool) -> None:
    """Have a balanced task, which no engine holds and which is in no queue, run on an engine of `pool`."""
    pool_of(task).users -= 1
    task.pool = pool
    pool.users += 1


def unassign(state: ControllerState, task: Task, engine: Engine) -> None:
    """`engine` does not hold `task` any more. Whoever calls this refreshes or feeds `engine`."""
    del engine.held[task.id]
    task.engine = None
    engine.load = engine.load - task.cost if engine.held else 0.0
    if task.target >= 0:
        engine.direct -= 1
        if engine.recalled and task.state is State.REVOKING:
            engine.recalled -= 1
    else:
        engine.spare.pop(task.id, None)
    if task.large:
        count_large(state, engine, -1, -task.large)
        release(state, task)
    if state.families and task.id in state.families:
        end_family(state, task)
    if engine.waiting:
        engine.waits_no_more(task.id)


def feed(state: ControllerState, engine: Engine) -> None:
    """`engine` may have room: give it what waits; if nothing does and it is idle, take from the others."""
    if engine.waiting:
        feed_waiting(state, engine)
        return
    while (level := level_of(state, engine)) != CLOSED:
        pool = _next_pool(engine)
        if pool is None:
            break
        task = pool.queue.pop()
        if not fits(state, task, engine):
            pool.queue.push_front(task)
            break
        assign(state, task, engine)
    refresh(state, engine, level)
    if not engine.level and state.rich:
        take_back(state, engine)


def feed_waiting(state: ControllerState, engine: Engine) -> None:
    """A task of `engine` waits: give it what descends from that."""
    while (task := next_descendant(state, engine)) is not None:
        pool_of(task).queue.take(task)
        assign(state, task, engine)
    refresh(state, engine)


def _next_pool(engine: Engine) -> Pool | None:
    """Return the pool whose first task goes next on `engine`. O(pools of this engine)."""
    best = None
    for pool in engine.pools:
        if not pool.queue.waiting or (pool.needs.large and engine.large_full):
            continue
        if best is None or pool.queue.rank() < best.queue.rank():
            best = pool
    return best
