"""Whether any engine can run a task now or later: connected engines, and those that hosts are about to start.

Before the first engine has joined, tasks wait: engines may be started by hand, or wait in a batch system's queue.
Later, tasks that no engine can ever run end with the causes: see `end_hopeless`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.engines import Engine
from engineroom.core.lines import release
from engineroom.core.placement import Pool
from engineroom.core.results import give_up_all, lost
from engineroom.ids import Instance
from engineroom.protocol.messages import Coming, Outcome, Status
from engineroom.protocol.texts import brief

if TYPE_CHECKING:  # the state holds pools
    from engineroom.core.state import ControllerState

_MOST_NAMED = 8
"""Engines whose ends are told one by one."""

_NOTHING = Coming()


def host_says(state: ControllerState, host: bytes, says: Coming) -> None:
    """A host says what it has in hand, as far as it knows: it may not have noticed yet that engines of it have died."""
    if not says.restarts:
        state.unsaid.pop(host, None)
    state.hosts[host] = says
    end_hopeless(state)


def host_gone(state: ControllerState, host: bytes) -> None:
    """A host has ended."""
    state.unsaid.pop(host, None)
    if state.hosts.pop(host, None) is not None:
        end_hopeless(state)


def lost_unsaid(state: ControllerState, engine: Engine) -> None:
    """`engine` has died, and its host has not said so: it is stopped or cut off, and will start another when it can."""
    if engine.spawned and state.hosts.get(engine.host, _NOTHING).restarts:
        state.unsaid.setdefault(engine.host, {})[engine.instance] = engine.id


def end_is_said(state: ControllerState, instance: Instance) -> None:
    """The host of an engine has noticed its end; what comes in its place, it has said before."""
    if not_unsaid(state, instance):
        end_hopeless(state)


def not_unsaid(state: ControllerState, instance: Instance) -> bool:
    """Expect no other engine in the place of this one; return whether one was expected. O(hosts with such engines)."""
    for host, engines in state.unsaid.items():
        if engines.pop(instance, None) is not None:
            if not engines:
                del state.unsaid[host]
            return True
    return False


def hopeless(state: ControllerState, allowed: frozenset[int] | None) -> bool:
    """Whether no engine of `allowed` (None: of all) is there or on its way. O(allowed + hosts)."""
    if not state.any_joined or state.recovery is not None:
        return False
    if allowed is None:
        return not state.engines and not to_come(state)
    return not any(engine in state.engines or _may_come(state, engine) for engine in allowed)


def to_come(state: ControllerState) -> int:
    """Return how many engines hosts are about to start, or will once they have noticed that others died."""
    return sum(says.engines for says in state.hosts.values()) + sum(map(len, state.unsaid.values()))


def can_lose_another(state: ControllerState, pool: Pool) -> bool:
    """Whether an engine for tasks of `pool` would be left if the next run of a task ended its engine."""
    left = [engine for engine in state.engines.values() if pool.admits(engine)]
    if len(left) > 1 or any(state.hosts.get(engine.host, _NOTHING).restarts for engine in left):
        return True
    if pool.allowed is None:
        return to_come(state) > 0
    gone = [engine for engine in pool.allowed if engine not in state.engines and state.was_used(engine)]
    return any(_may_come(state, engine) for engine in gone)


def _may_come(state: ControllerState, engine: int) -> bool:
    """Whether an engine with this id may still join. An id that was never used may: engines can be started by hand."""
    if not state.was_used(engine):
        return bool(state.engines) or to_come(state) > 0
    return returning(state, engine)


def returning(state: ControllerState, engine: int) -> bool:
    """Whether an engine that is gone may be one of those that its host restarts."""
    departed = state.departed_ids.get(engine)
    if departed is None:
        return False
    if state.hosts.get(departed.host, _NOTHING).returning > 0:
        return True
    return engine in state.unsaid.get(departed.host, {}).values()


def end_hopeless(state: ControllerState) -> None:
    """End the tasks that wait for engines of which none is there or will come."""
    for pool in list(state.pools.values()):
        if pool.queue.waiting and not pool.engines and hopeless(state, pool.allowed):
            outcome = nowhere(state, pool.allowed)
            tasks = [pool.queue.pop() for _ in range(pool.queue.waiting)]
            for task in tasks:
                release(state, task)
            give_up_all(state, tasks, outcome)


def nowhere(state: ControllerState, allowed: frozenset[int] | None) -> Outcome:
    """Return how a task ends that `allowed` engines may run, all of which are gone for good."""
    if not state.engines and not to_come(state):
        return Outcome(Status.NO_ENGINE, 0.0, 0.0, brief(f"there are no engines left ({ends(state)})"))
    gone = [
        f"engine {engine} ({state.departed_ids[engine].cause})" if engine in state.departed_ids else f"engine {engine}"
        for engine in sorted(allowed or ())
    ]
    return lost(f"no remaining engine may run this task; it was restricted to: {', '.join(gone) or 'no engines'}")


def ends(state: ControllerState) -> str:
    """Return how the engines ended, the last ones first if they are many: "engine 0: exit code 3; ..."."""
    every = list(state.departed_ids.values())
    named = "; ".join(f"engine {gone.id}: {gone.cause}" for gone in every[-_MOST_NAMED:])
    more = len(every) - _MOST_NAMED
    return f"{named}; {more} others ended before them" if more > 0 else named
