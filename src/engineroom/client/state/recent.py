"""What a client still knows of its tasks that ended last, for those who ask by id and hold no AsyncResult."""

from __future__ import annotations

from collections import deque
from collections.abc import Container
from copy import copy

from engineroom.client.state.tasks import Task
from engineroom.ids import SessionId, number_in, task_id
from engineroom.protocol.messages import Result

MOST = 1000
"""So many tasks are kept, and as many of those that have printed something."""

MOST_BYTES = 16 << 20
"""Bytes that their packed results may take and, of those that have printed something, results and output."""


class Recent:
    """The tasks that ended last, with their results still packed: what users hold is theirs alone.

    The messages that told of them are kept as they came, batch by batch, which costs a task 0.1 us; a copy of the task
    only if it has printed something, or was ended together with others. The session's condition is held for all this.
    """

    __slots__ = ("_bytes", "_copied", "_copied_bytes", "_count", "_heard", "_session")

    def __init__(self, session: SessionId) -> None:
        self._session = session
        self._heard: deque[tuple[float, list[Result], int]] = deque()
        """When they came, the messages that came together, and the bytes of their results."""
        self._count = self._bytes = self._copied_bytes = 0
        self._copied: dict[int, Task] = {}

    def hear(self, now: float, results: list[Result]) -> None:
        """Keep what these messages say, all of them with a result inside, and forget the oldest that are too many."""
        if not results:
            return
        size = _size_in(results[0]) if len(results) == 1 else sum(map(_size_in, results))
        heard = self._heard
        heard.append((now, results, size))
        self._count += len(results)
        self._bytes += size
        while heard and (self._count - len(heard[0][1]) >= MOST or self._bytes > MOST_BYTES):
            _, gone, size = heard.popleft()
            self._count -= len(gone)
            self._bytes -= size

    def copy(self, task: Task) -> None:
        """Keep a copy of a task that has just ended."""
        if task.payload is None or isinstance(task.payload, bytes):
            self._copied[task.number] = copy(task)
            self._copied_bytes += _size_of(task)
            while len(self._copied) > MOST or self._copied_bytes > MOST_BYTES:
                self._copied_bytes -= _size_of(self._copied.pop(next(iter(self._copied))))

    def get(self, number: int) -> Task | None:
        """Return a copy of task `number`, to be opened; None: it is not kept."""
        task = self._copied.get(number)
        if task is not None:
            return copy(task)
        wanted = task_id(self._session, number)
        found = (
            self._task_of(result, now)
            for now, results, _ in reversed(self._heard)
            for result in results
            if result.task == wanted
        )
        return next(found, None)

    def tasks(self) -> list[Task]:
        """Return the tasks that are kept, in the order of their numbers; not to be opened."""
        found = dict(self._copied)
        for now, results, _ in self._heard:
            for result in results:
                number = number_in(self._session, result.task)
                if number not in found:
                    found[number] = self._task_of(result, now)
        return [found[number] for number in sorted(found)]

    def engines(self) -> dict[int, int]:
        """Return the numbers of the tasks that are kept, in order, with the engine that ran each."""
        found = {number: task.engine for number, task in self._copied.items()}
        for _, results, _ in self._heard:
            found.update((number_in(self._session, result.task), result.engine) for result in results)
        return dict(sorted(found.items()))

    def forget(self, numbers: Container[int]) -> None:
        """Keep these tasks no longer."""
        for number in [number for number in self._copied if number in numbers]:
            self._copied_bytes -= _size_of(self._copied.pop(number))
        heard, self._heard, self._count, self._bytes = self._heard, deque(), 0, 0
        for now, results, _ in heard:
            rest = [result for result in results if number_in(self._session, result.task) not in numbers]
            if rest:
                self.hear(now, rest)

    def _task_of(self, result: Result, received: float) -> Task:
        """Return a task that has ended with `result`. When it was submitted is not known any more."""
        task = Task(0, None, None, 0.0, -1, result.engine, number_in(self._session, result.task))
        task.outcome, task.payload, task.received = result.outcome, result.body, received  # type: ignore[assignment]
        return task


def _size_in(result: Result) -> int:
    return len(result.body)  # type: ignore[arg-type]  # none is a stream


def _size_of(task: Task) -> int:
    size = len(task.payload) if isinstance(task.payload, bytes) else 0
    return size if task.output is None else size + task.output.size
