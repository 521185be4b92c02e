"""Sets of tasks, as ranges: what was delivered, purged, retired takes little room, however many tasks that are."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from engineroom.ids import TASK_BYTES, SessionId, TaskId, number_of, session_of, task_id
from engineroom.protocol.task_ranges import Range, TaskRanges, in_batches, ranges_of, tidy

MOST_LOOSE = 1024
"""So many ranges may wait to be put in order."""


class TaskSet:
    """Tasks of any sessions. To add some is cheap; they are put in order when there are many, or when asked for.

    An id is taken as one number: those of consecutive tasks of a session are consecutive.
    """

    __slots__ = ("_loose", "_tidy")

    def __init__(self) -> None:
        self._loose: list[Range] = []
        self._tidy: list[Range] = []

    def add(self, tasks: Iterable[TaskId]) -> None:
        self._take(ranges_of([int.from_bytes(task) for task in tasks]))

    def add_ranges(self, tasks: TaskRanges) -> None:
        session = SessionId(tasks.session)
        self._take([(_number(session, first), _number(session, last)) for first, last in tasks.ranges])

    def ranges(self) -> Iterator[TaskRanges]:
        """Yield what is in it, each session by itself, in pieces that a message may hold."""
        found: dict[SessionId, list[Range]] = {}
        for first, last in self._ordered():
            start, end = (TaskId(each.to_bytes(TASK_BYTES)) for each in (first, last))
            found.setdefault(session_of(start), []).append((number_of(start), number_of(end)))
        for session, ranges in found.items():
            for piece in in_batches(ranges, 4096):
                yield TaskRanges(session, piece)

    def __contains__(self, task: TaskId) -> bool:
        number, ranges = int.from_bytes(task), self._ordered()
        place = bisect_right(ranges, number, key=lambda each: each[0])
        return place > 0 and number <= ranges[place - 1][1]

    def _take(self, ranges: list[Range]) -> None:
        self._loose += ranges
        if len(self._loose) > MOST_LOOSE + len(self._tidy):
            self._ordered()

    def _ordered(self) -> list[Range]:
        if self._loose:
            self._tidy = tidy([*self._tidy, *self._loose])
            self._loose = []
        return self._tidy


def highest_of(tasks: Iterable[TaskId]) -> dict[bytes, int]:
    """Return the highest number among `tasks`, by session."""
    every = list(tasks)
    if not every:
        return {}
    last = max(every)
    if session_of(min(every)) == session_of(last):  # so nearly always: ids of a session are in the order of its numbers
        return {session_of(last): number_of(last)}
    highest: dict[bytes, TaskId] = {}
    for task in every:
        session = session_of(task)
        highest[session] = max(task, highest.get(session, task))
    return {session: number_of(task) for session, task in highest.items()}


def _number(session: SessionId, number: int) -> int:
    return int.from_bytes(task_id(session, number))
