"""What a client still knows of its tasks that ended last, for those who ask by id and hold no AsyncResult."""

from __future__ import annotations

from collections import deque
from collections.abc import Container
from copy import copy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engineroom.client.state.tasks import Task

MOST = 1000
"""So many tasks are kept."""

LARGEST = 16 * 1024
"""Bytes that the packed result of each may take, together with its output."""


class Recent:
    """Copies of the tasks that ended last, with their results still packed: what users hold is theirs alone.

    They cost a task 0.1 us: they are found by looking at all of them. The session's condition is held for all of this.
    """

    __slots__ = ("_tasks", "add")

    def __init__(self) -> None:
        self._tasks: deque[Task] = deque(maxlen=MOST)
        self.add = self._tasks.append
        """Keeps a copy of a task that has just ended, and is small."""

    def consider(self, task: Task) -> None:
        """Keep a task that has just ended, unless it is too large."""
        payload, output = task.payload, task.output
        if not isinstance(payload, bytes):
            return
        if len(payload) + (0 if output is None else output.size) <= LARGEST:
            self.add(copy(task))

    def get(self, number: int) -> Task | None:
        """Return a copy of task `number`, to be opened; None: it is not kept."""
        return next((copy(task) for task in self._tasks if task.number == number), None)

    def all(self) -> list[Task]:
        """Return those that are kept, not to be opened; the one that ended first is the first one."""
        return list(self._tasks)

    def forget(self, numbers: Container[int]) -> None:
        """Keep these tasks no longer."""
        rest = [task for task in self._tasks if task.number not in numbers]
        self._tasks.clear()
        self._tasks.extend(rest)
