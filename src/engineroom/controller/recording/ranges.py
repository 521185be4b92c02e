"""Tasks of any sessions, as ranges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engineroom.ids import SessionId, TaskId, number_of, session_of
from engineroom.protocol.task_ranges import TaskRanges, task_pieces


def by_session(tasks: Iterable[TaskId]) -> Iterator[TaskRanges]:
    """Yield these tasks as ranges, those of each session together."""
    found: dict[SessionId, list[int]] = {}
    for task in tasks:
        found.setdefault(session_of(task), []).append(number_of(task))
    for session, numbers in found.items():
        yield from task_pieces(session, numbers)
