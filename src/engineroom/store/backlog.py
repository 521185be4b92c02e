"""Changes that a store could not take yet."""

from __future__ import annotations

from collections.abc import Iterable

from engineroom.ids import TaskId
from engineroom.protocol.task_ranges import TaskRanges
from engineroom.store.changes import Change, ClientKnown, Ended, HeldFunction, Missed, Sent, Submitted
from engineroom.store.ranges import TaskSet

CHANGE_BYTES = 1024
"""What a change takes beside its payloads."""

_MOST_OTHERS = 10_000
"""So many changes that concern no single task are kept."""


class Backlog:
    """Changes, as few as say the same, in at most `limit` bytes: beyond that, the oldest are dropped, and noted."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._tasks: dict[TaskId, Submitted | Ended] = {}
        self._sent: dict[TaskId, Sent] = {}
        self._functions: dict[bytes, HeldFunction] = {}
        self._clients: dict[bytes, ClientKnown] = {}
        self._others: list[Change] = []
        self._size = 0
        self.missed = TaskSet()
        """Tasks of which something was dropped."""
        self.dropped = 0

    def __len__(self) -> int:
        """How many tasks it is about."""
        return len(self._tasks)

    def add(self, changes: Iterable[Change]) -> None:
        for change in changes:
            self._take(change)
        while self._size > self._limit and self._tasks:
            self._drop(next(iter(self._tasks)))
        del self._others[:-_MOST_OTHERS]
        for many in (self._functions, self._clients):
            while len(many) > _MOST_OTHERS:
                del many[next(iter(many))]

    def _take(self, change: Change) -> None:
        if isinstance(change, Submitted | Ended):
            self._add_task(change)
        elif isinstance(change, Sent):
            self._sent[change.task] = change
        elif isinstance(change, ClientKnown):
            self._clients[change.session] = change
        elif isinstance(change, HeldFunction):
            self._functions[change.function.hash] = change
        else:
            self._others.append(change)

    def _add_task(self, change: Submitted | Ended) -> None:
        before = self._tasks.get(change.task)
        if isinstance(before, Ended):
            return
        if before is not None:
            self._size -= before.size + CHANGE_BYTES
        if isinstance(change, Ended):
            self._sent.pop(change.task, None)
        self._tasks[change.task] = change
        self._size += change.size + CHANGE_BYTES

    def _drop(self, task: TaskId) -> None:
        self._size -= self._tasks.pop(task).size + CHANGE_BYTES
        self._sent.pop(task, None)
        self.missed.add([task])
        self.dropped += 1

    def changes(self, why: str, at: float) -> list[Change]:
        """Return all there is to say; `why`, `at`: of what is missing."""
        missing: list[TaskRanges] = list(self.missed.ranges())
        return [
            *self._clients.values(),
            *self._functions.values(),
            *self._tasks.values(),
            *self._sent.values(),
            *self._others,
            *(Missed(tasks, at, why) for tasks in missing),
        ]
