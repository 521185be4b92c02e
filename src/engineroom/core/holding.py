"""What an engine that has connected says it holds, piece by piece; with the last piece it is back.

Until then it counts as away: tasks for it wait, and no other task is sent to it. The pieces are compared with what it
should hold as they arrive, so what is remembered of them does not depend on how much it says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from engineroom.ids import Peer, SessionId, TaskId, session_of, task_id
from engineroom.protocol.messages import Held, Withdraw
from engineroom.protocol.task_ranges import MOST_RANGES, AttemptRange, attempts_in, in_batches, split, tidy_attempts

if TYPE_CHECKING:  # the state holds engines, and engines know what they are saying
    from engineroom.core.engines import Engine
    from engineroom.core.state import ControllerState
    from engineroom.core.tasks import Task


MOST_CLAIMS, MOST_SESSIONS = 1 << 17, 1000
"""So many tasks that this controller does not know may an engine name when it connects, of so many clients."""


def held_attempt(state: ControllerState, peer: Peer, task_id: TaskId, attempt: int) -> tuple[Task, Engine] | None:
    """Return the task whose present attempt an engine speaks of, and that engine; None if it does not hold that."""
    engine = state.engine_peers.get(peer)
    task = None if engine is None else engine.held.get(task_id)
    if engine is None or task is None or task.attempt != attempt:
        return None
    return task, engine


def named(engine: Engine, attempts: Sequence[AttemptRange]) -> Iterator[Task]:
    """Yield the tasks of `engine` whose present attempts these are. O(what it holds), whatever it says."""
    tidied = list(tidy_attempts(attempts))
    if sum(last - first + 1 for _, first, last, _ in tidied) <= 2 * len(engine.held):
        for id_, attempt in attempts_in(tidied):
            task = engine.held.get(id_)
            if task is not None and task.attempt == attempt:
                yield task
        return
    for id_ in list(Account(engine, again=False).known(tidied)):
        yield engine.held[id_]


class Account:
    """What an engine has said so far of what it should hold. `again`: it has been connected before."""

    __slots__ = ("_expected", "again", "claims_left", "running", "sessions_left", "there")

    def __init__(self, engine: Engine, *, again: bool) -> None:
        self.again = again
        self.claims_left, self.sessions_left = MOST_CLAIMS, MOST_SESSIONS
        self.running: set[TaskId] = set()
        self.there: set[TaskId] = set()
        """All that it has, in whatever condition."""
        self._expected: dict[tuple[bytes, int], list[int]] = {}
        for task in engine.held.values():
            self._expected.setdefault((session_of(task.id), task.attempt), []).append(task.number)
        for numbers in self._expected.values():
            numbers.sort()

    def note(self, piece: Held) -> list[AttemptRange]:
        """Take in `piece`; return what is queued there and should not be."""
        unknown: list[AttemptRange] = []
        self.running.update(self.known(piece.running))
        self.there |= self.running
        self.there.update(self.known(piece.finished))
        self.there.update(self.known(piece.queued, unknown))
        return unknown

    def known(self, attempts: Iterable[AttemptRange], unknown: list[AttemptRange] | None = None) -> Iterator[TaskId]:
        """Yield those of `attempts` that are expected; add the others to `unknown`."""
        for session, first, last, attempt in tidy_attempts(attempts):
            inside, others = split(first, last, self._expected.get((session, attempt), ()))
            yield from (task_id(SessionId(session), number) for number in inside)
            if unknown is not None:
                unknown.extend((session, start, end, attempt) for start, end in others)


def withdraw(state: ControllerState, engine: Engine, attempts: list[AttemptRange]) -> None:
    """Have `engine`, to which there is a connection, forget these attempts, the last first."""
    for piece in reversed(list(in_batches(attempts, MOST_RANGES))):
        state.send(engine.known_as, Withdraw(piece))


def first_of(tasks: list[Task]) -> list[Task]:
    """Return the task that the engine would have run first: direct ones go ahead."""
    return [task for task in tasks if task.target >= 0][:1] or tasks[:1]
