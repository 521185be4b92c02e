"""Tasks of any sessions, as ranges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engineroom.ids import SessionId, TaskId, msg_id, number_of, session_of, task_id
from engineroom.protocol.ranges import Spans
from engineroom.protocol.task_ranges import TaskRanges, task_pieces


def by_session(tasks: Iterable[TaskId]) -> Iterator[TaskRanges]:
    """Yield these tasks as ranges, those of each session together."""
    found: dict[SessionId, list[int]] = {}
    for task in tasks:
        found.setdefault(session_of(task), []).append(number_of(task))
    for session, numbers in found.items():
        yield from task_pieces(session, numbers)


def spans_of(tasks: Iterable[TaskId]) -> Spans:
    """Return these tasks as spans: as few as it takes."""
    return tuple((ranges.session, first, last) for ranges in by_session(tasks) for first, last in ranges.ranges)


def count_in(spans: Spans) -> int:
    """Return how many tasks these may be: any number, for others have made them."""
    return sum(max(0, last - first + 1) for _, first, last in spans)


MOST_IDS = 1000
"""So many of the tasks that a task waits for are listed."""


def listed_ids(spans: Spans) -> list[str]:
    """Return the msg_ids of the tasks, in order; of many, the first ones."""
    found: list[str] = []
    for session, first, last in spans:
        until = min(last, first + MOST_IDS - len(found) - 1)
        found.extend(msg_id(task_id(SessionId(session), number)) for number in range(first, until + 1))
    return found


def tasks_in(spans: Spans) -> list[TaskId]:
    """Return the ids of the tasks, in order."""
    return [task_id(SessionId(session), number) for session, first, last in spans for number in range(first, last + 1)]
