"""Who waits for whom: what a task keeps of its conditions, and what its session keeps of those that are waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import msgspec

from engineroom.protocol.task_ranges import found_in

if TYPE_CHECKING:  # tasks have these
    from engineroom.core.engines import Engine
    from engineroom.core.sessions import Session
    from engineroom.core.state import ControllerState
    from engineroom.core.tasks import Kept, Task

AFTER, FOLLOW, INPUT = 1, 2, 4
"""In which ways a task waits for another: bits."""

_FEW = 4
"""So many tasks that take one result are a tuple."""

EDGE_BYTES = 128
"""What it takes that one task waits for another."""


class Gate(msgspec.Struct, gc=False, eq=False):
    """A condition on other tasks. `left`: how many have not ended; `lives`: of a condition that asks where they ran,
    the lives of engines (see `Ends.life_of`)."""

    every: bool
    success: bool
    failure: bool
    left: int
    lives: set[int] | None = None


class Gates(msgspec.Struct, gc=False, eq=False):
    """What few tasks wait for.

    `after`, `follow`: None once they are met, or if there is no such; `edges`: how many were counted for these.
    `following`: the lives of engines of which one must run it, None: any. `due`: when it is too late, 0: never.
    """

    after: Gate | None = None
    follow: Gate | None = None
    following: frozenset[int] | None = None
    due: float = 0.0
    edges: int = 0


NO_GATES = Gates()
"""Of tasks that only take the results of others: they share it, and nothing in it changes."""


class Prerequisites(msgspec.Struct, gc=False, eq=False):
    """What a task waits for. There may be many of these, so what few have is apart.

    `inputs`: the numbers of the tasks whose results are its arguments, ascending; `missing`: how many of these have not
    ended.
    """

    inputs: tuple[int, ...]
    missing: int
    gates: Gates

    @property
    def open(self) -> int:
        """How many conditions are not met."""
        gates = self.gates
        return (gates.after is not None) + (gates.follow is not None) + (self.missing > 0)


class Use(msgspec.Struct, gc=False, eq=False):
    """What is kept of a result that is an argument of other tasks. `users`: those of them that have not ended.
    `engines`: those to which it was sent. `delivered`: its client has it, and it is here for the users alone. `stays`:
    its client has it and may name it once more. `counted`: it counts among `Session.input_bytes`."""

    users: int = 0
    counted: bool = False
    delivered: bool = False
    stays: bool = False
    engines: dict[Engine, None] | None = None


class HasEnded(NamedTuple):
    """News: a task that is waited for has ended; `kept` is None if nobody knows how."""

    session: Session
    number: int
    kept: Kept | None


class IsPlaced(NamedTuple):
    """News: a task that is waited for was sent to an engine."""

    task: Task


class HasLeft(NamedTuple):
    """News: a task that is waited for has left `engine` without an end."""

    task: Task
    engine: Engine


class IsUnused(NamedTuple):
    """News: a result is an argument of no unfinished task any more."""

    session: Session
    number: int


News = HasEnded | IsPlaced | HasLeft | IsUnused
"""What concerns those who wait; it is looked at once the event has been handled."""


Waiters: TypeAlias = "Task | tuple[Task, ...] | dict[Task, int]"
"""Who waits for a task: one or a few that take its result, else all of them, and in which ways."""


def edges_of(waits: Prerequisites) -> int:
    """Return how many tasks one waits for, as far as they were not known to have ended when it was submitted."""
    return len(waits.inputs) + waits.gates.edges


def note_edge(session: Session, number: int, task: Task, way: int) -> None:
    """Have `task` wait for the one with this `number`. O(1)."""
    awaited = session.awaited
    known = awaited.get(number)
    if known is None and way == INPUT:
        awaited[number] = task
    elif isinstance(known, dict):
        known[task] = known.get(task, 0) | way
    else:
        takers = _takers(known)
        if way == INPUT and len(takers) < _FEW:
            awaited[number] = (*takers, task)
        else:
            awaited[number] = {**dict.fromkeys(takers, INPUT), task: way}


def _drop_edge(session: Session, number: int, task: Task) -> bool:
    """Have `task` not wait for this one any more; return whether it did. O(1)."""
    known = session.awaited.get(number)
    if isinstance(known, dict):
        there, left = known.pop(task, None) is not None, len(known)
    else:
        takers = _takers(known)
        there, left = task in takers, len(takers) - 1
        if there and left:
            session.awaited[number] = tuple([taker for taker in takers if taker is not task])
    if there and not left:
        del session.awaited[number]
    return there


def _takers(known: Task | tuple[Task, ...] | None) -> tuple[Task, ...]:
    if known is None:
        return ()
    return known if isinstance(known, tuple) else (known,)


def who_waits(known: Waiters | None) -> list[tuple[Task, int]]:
    """Return who waits, and in which ways."""
    if known is None:
        return []
    return list(known.items()) if isinstance(known, dict) else [(task, INPUT) for task in _takers(known)]


def is_input(session: Session, number: int) -> bool:
    """Whether somebody who waits for this task takes its result as an argument."""
    return any(way & INPUT for _, way in who_waits(session.awaited.get(number)))


def wait_no_more(state: ControllerState, task: Task, waits: Prerequisites) -> None:
    """`task` is no unfinished one any more: nobody need tell it of others. O(edges)."""
    session, gates = task.session, waits.gates
    task.waits = None
    session.submitted_bytes -= edges_of(waits) * EDGE_BYTES
    for number in waits.inputs:
        if not _drop_edge(session, number, task):
            _one_user_less(state, session, number)
    if gates is not NO_GATES:
        if gates.due:
            state.on_time -= 1
        _leave_gates(session, task, gates)


def _leave_gates(session: Session, task: Task, gates: Gates) -> None:
    awaits = task.submit.awaits
    assert awaits is not None
    for condition, gate in ((awaits.after, gates.after), (awaits.follow, gates.follow)):
        if condition is not None and (gate is not None or not condition.every):
            ranges = [(first, last) for _, first, last in condition.tasks]
            for number in found_in(ranges, session.awaited):
                _drop_edge(session, number, task)


def _one_user_less(state: ControllerState, session: Session, number: int) -> None:
    kept = session.results.get(number)
    if kept is not None and kept.use is not None and kept.use.users:
        kept.use.users -= 1
        if not kept.use.users:
            state.news.append(IsUnused(session, number))
