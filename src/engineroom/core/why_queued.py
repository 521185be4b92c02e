"""Why no engine takes a task that is ready to run: none is there, none may run it, or none has room."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from engineroom.core.capabilities import has, in_words, nobody_has
from engineroom.core.keeping.running import why_not_ready
from engineroom.core.placement import Pool
from engineroom.core.prospects import returning, to_come

if TYPE_CHECKING:  # the state holds pools
    from engineroom.core.state import ControllerState


def why_queued(state: ControllerState, pool: Pool) -> str:
    """Return why the tasks that wait in `pool` wait, in words."""
    if not state.engines:
        return f"there are no engines{_all_that_come(state)}"
    if pool.asks is not None and not any(has(engine.info, pool.asks) for engine in state.engines.values()):
        return nobody_has(pool.asks, (engine.info for engine in state.engines.values()))
    if pool.allowed is not None and not any(pool.admits(engine) for engine in state.engines.values()):
        return _none_of_these(state, pool, pool.allowed)
    if not pool.engines:
        return "all engines that may run it have lost their connections; waiting for one to reconnect"
    if all(engine.first for engine in pool.engines):
        engine = next(iter(pool.engines))
        return f"no engine that may run it is ready; engine {engine.id} is {why_not_ready(engine)}"
    silent = sum(engine.silent_since is not None for engine in pool.engines)
    if silent == len(pool.engines):
        return f"none of the {silent} engines that may run it is answering; waiting for one to answer"
    return _all_busy(len(pool.engines), pool.queue.waiting)


def _all_busy(engines: int, waiting: int) -> str:
    tasks = "1 task is" if waiting == 1 else f"{waiting} tasks are"
    if engines == 1:
        return f"the only engine that may run it is busy; {tasks} waiting for it"
    all_of = "both" if engines == 2 else f"all {engines}"
    return f"{all_of} engines that may run it are busy; {tasks} waiting for them"


def _all_that_come(state: ControllerState) -> str:
    again = sum(says.returning for says in state.hosts.values())
    anew = to_come(state) - again
    found = [f"{_are(n)} {what}" for n, what in ((anew, "starting"), (again, "being restarted")) if n > 0]
    return f"; {' and '.join(found)}" if found else ""


def _are(n: int) -> str:
    return f"{n} {'is' if n == 1 else 'are'}"


def _none_of_these(state: ControllerState, pool: Pool, allowed: frozenset[int]) -> str:
    only = f"it may run only on engine{'s' * (len(allowed) > 1)} {_listed(allowed)}"
    if pool.asks is not None and allowed & state.engines.keys():
        return f"{only} and only with {in_words(pool.asks)}, and none of them is connected"
    coming = [id_ for id_ in allowed if returning(state, id_)]
    if len(allowed) == 1:
        return f"{only}, which {_state_of(state, coming) if coming else 'is not connected'}"
    return f"{only}, and none of them is connected" + (
        f"; engine{'s' * (len(coming) > 1)} {_listed(coming)} {_state_of(state, coming)}" if coming else ""
    )


def _state_of(state: ControllerState, coming: Sequence[int]) -> str:
    """Return what is known of engines that are gone, and whose hosts restart some: these say how many, not which."""
    gone = Counter(departed.host for departed in state.departed_ids.values())
    hosts = {state.departed_ids[id_].host for id_ in coming}
    if all(gone[host] <= state.hosts[host].returning for host in hosts):
        return "is being restarted" if len(coming) == 1 else "are being restarted"
    return "may be restarting"


def _listed(ids: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(ids)))
