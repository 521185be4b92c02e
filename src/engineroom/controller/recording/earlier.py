"""What a controller that goes on in the place of a killed one finds out about records that were not written.

Clients do not submit again what they have the results of, so that much is known: a task whose result is delivered, and
that did not end here, should be in the store. What is not there is noted as missed, so that the account is right.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import islice

from msgspec.structs import replace

from engineroom.controller.recording.changes import Scribe
from engineroom.core.journal import Ending, Journal, Reception
from engineroom.ids import SessionId, TaskId, number_of, parse_msg_id
from engineroom.protocol.task_ranges import MOST_RANGES, Range, TaskRanges, in_batches, ranges_of, tidy, without
from engineroom.store.changes import Change, Delivered, Ended, Missed
from engineroom.store.entry import Entry
from engineroom.store.interface import Store

WHY = "the controller was killed before it had written them"

_MOST_CLAIMS = 10_000

ONE_BY_ONE = 10_000
"""So many tasks are looked up by their names; if there are more, all names of the store are read."""

Amends = Callable[[Store], list[Change]]
"""Returns what is to be changed in the store. For the thread that writes."""


class Earlier:
    """Looks at what the core notes, of all tasks since this controller was started.

    `one_by_one`: so many tasks are looked up by their names; if there are more, all names of the store are read.
    """

    def __init__(self, scribe: Scribe, now: Callable[[], float], *, one_by_one: int = ONE_BY_ONE) -> None:
        self._scribe, self._now, self._one_by_one = scribe, now, one_by_one
        self._known: dict[SessionId, list[Range]] = {}
        """Tasks that ended here, or were looked up."""
        self._claims: dict[TaskId, Ending] = {}
        """How tasks ended that their clients have not submitted to this controller."""

    def look(self, journal: Journal) -> Amends | None:
        """Leave in `journal` each end once, and only of tasks that were submitted to this controller."""
        ended = {id(ending[0]): ending for ending in journal.ended if ending[0].submit.task}
        for ending in journal.ended:
            if not ending[0].submit.task:
                self._claims[ending[0].id] = ending
        journal.ended = list(ended.values())
        numbers: dict[SessionId, list[Range]] = {}
        for task, _, _ in journal.ended:
            numbers.setdefault(task.session.id, []).append((task.number, task.number))
            self._claims.pop(task.id, None)
        for session, ranges in numbers.items():
            self._add(session, ranges)
        for claim in list(islice(self._claims, max(0, len(self._claims) - _MOST_CLAIMS))):
            del self._claims[claim]
        unknown = [tasks for each in journal.received for tasks in self._unknown(each)]
        return partial(self._amended, unknown, dict(self._claims)) if unknown else None

    def _add(self, session: SessionId, ranges: list[Range]) -> None:
        self._known[session] = tidy([*self._known.get(session, ()), *ranges])

    def _unknown(self, reception: Reception) -> list[TaskRanges]:
        """Return what a client has received and did not end here, when it is said for the first time."""
        ranges = tidy([(1, reception.up_to), *reception.also])
        left = without(ranges, self._known.get(reception.session, []))
        if left:
            self._add(reception.session, left)
        return [TaskRanges(reception.session, some) for some in in_batches(left, MOST_RANGES)]

    def _amended(self, unknown: list[TaskRanges], claims: dict[TaskId, Ending], store: Store) -> list[Change]:
        changes: list[Change] = []
        for tasks in unknown:
            session, now = SessionId(tasks.session), self._now()
            ended, unfinished = _found(store, tasks, self._one_by_one)
            for entry in unfinished:
                if (ending := claims.get(entry.task)) is not None:
                    changes.append(_completed(entry, self._scribe.ended(ending)))
                    ended.append(number_of(entry.task))
            elsewhere = [
                each
                for absence in store.absences()
                if absence.tasks.session == session
                for each in absence.tasks.ranges
            ]
            missed = without(tasks.ranges, tidy([*ranges_of(ended), *elsewhere]))
            changes += [
                Missed(TaskRanges(session, some), now, WHY, delivered=True) for some in in_batches(missed, MOST_RANGES)
            ]
            changes += [Delivered(tasks, now)] if changes else []
        return changes


def _found(store: Store, tasks: TaskRanges, one_by_one: int) -> tuple[list[int], list[Entry]]:
    """Return which of `tasks` the store knows to have ended, and the entries of others that it has."""
    count = sum(last - first + 1 for first, last in tasks.ranges)
    if count <= one_by_one:
        entries = list(store.entries(tasks.tasks()))
        unfinished = [entry for entry in entries if entry.result is None]
        return [number_of(entry.task) for entry in entries if entry.result is not None], unfinished
    session = tasks.session.hex()
    unfinished = [entry for entry in store.unfinished() if entry.task.startswith(tasks.session)]
    names = {name for name in store.history() if name.startswith(session)} - {entry.msg_id for entry in unfinished}
    return [number_of(parse_msg_id(name)) for name in names], unfinished


def _completed(entry: Entry, end: Ended) -> Ended:
    """Return `end`, which is of a task of which `entry` is all that is known otherwise."""
    earlier = tuple(each for each in entry.attempts if each.number != end.attempt)
    return replace(end, submit=entry.submit, submitted=entry.submitted, call=entry.call, earlier=earlier)
