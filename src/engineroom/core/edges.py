"""Who waits for whom: what a task keeps of its conditions, and what its session keeps of those that are waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from engineroom.protocol.task_ranges import found_in

if TYPE_CHECKING:  # tasks have these
    from engineroom.core.engines import Engine
    from engineroom.core.sessions import Session
    from engineroom.core.state import ControllerState
    from engineroom.core.tasks import Kept, Task

AFTER, FOLLOW, INPUT = 1, 2, 4
"""In which ways a task waits for another: bits."""

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


class Prerequisites(msgspec.Struct, gc=False, eq=False):
    """What a task waits for. `after`, `follow`: None once they are met, or if there is no such.

    `inputs`: the numbers of the tasks whose results are its arguments; `missing`: how many of these have not ended.
    `following`: the lives of engines of which one must run it, None: any. `due`: when it is too late, 0: never.
    `edges`: how many were counted for it.
    """

    after: Gate | None = None
    follow: Gate | None = None
    inputs: tuple[int, ...] = ()
    missing: int = 0
    following: frozenset[int] | None = None
    due: float = 0.0
    edges: int = 0

    @property
    def open(self) -> int:
        """How many conditions are not met."""
        return (self.after is not None) + (self.follow is not None) + (self.missing > 0)


class Use(msgspec.Struct, gc=False, eq=False):
    """What is kept of a result that is an argument of other tasks. `users`: those of them that have not ended.
    `engines`: those to which it was sent. `delivered`: its client has it, and it stays for the users alone. `counted`:
    it counts among `Session.input_bytes`."""

    users: int = 0
    counted: bool = False
    delivered: bool = False
    engines: dict[Engine, None] = msgspec.field(default_factory=dict)


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


def note_edge(session: Session, number: int, task: Task, way: int) -> None:
    """Have `task` wait for the one with this `number`. O(1)."""
    awaited = session.awaited
    known = awaited.get(number)
    if known is None:
        awaited[number] = task if way == INPUT else {task: way}
    elif isinstance(known, dict):
        known[task] = known.get(task, 0) | way
    elif known is task:
        awaited[number] = {task: INPUT | way}
    else:
        awaited[number] = {known: INPUT, task: way}


def _drop_edge(session: Session, number: int, task: Task) -> bool:
    """Have `task` not wait for this one any more; return whether it did. O(1)."""
    known = session.awaited.get(number)
    if known is task:
        del session.awaited[number]
        return True
    if not isinstance(known, dict) or known.pop(task, None) is None:
        return False
    if not known:
        del session.awaited[number]
    return True


def who_waits(known: Task | dict[Task, int] | None) -> list[tuple[Task, int]]:
    """Return who waits, and in which ways."""
    if known is None:
        return []
    return list(known.items()) if isinstance(known, dict) else [(known, INPUT)]


def is_input(session: Session, number: int) -> bool:
    """Whether somebody who waits for this task takes its result as an argument."""
    return any(way & INPUT for _, way in who_waits(session.awaited.get(number)))


def wait_no_more(state: ControllerState, task: Task, waits: Prerequisites) -> None:
    """`task` is no unfinished one any more: nobody need tell it of others. O(edges)."""
    session, awaits = task.session, task.submit.awaits
    task.waits = None
    session.submitted_bytes -= waits.edges * EDGE_BYTES
    if waits.due:
        state.on_time -= 1
    for number in waits.inputs:
        if not _drop_edge(session, number, task):
            _one_user_less(state, session, number)
    if awaits is not None:
        for condition, gate in ((awaits.after, waits.after), (awaits.follow, waits.follow)):
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
