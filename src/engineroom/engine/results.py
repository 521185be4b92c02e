"""Results that the controller has not acknowledged."""

from __future__ import annotations

from collections.abc import Iterable

from engineroom.engine.attempts import Ended
from engineroom.engine.budget import Budget
from engineroom.engine.task_output import Key
from engineroom.ids import TaskId
from engineroom.protocol.messages import Delivered
from engineroom.protocol.task_ranges import found_in


class KeptResults:
    """Results by their number, from 1 on, until they are delivered. In the I/O thread only."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._kept: dict[int, Ended] = {}
        self._by_task: dict[TaskId, Ended] = {}
        """The last of each task."""
        self._delivered = 0

    def add(self, result: Ended) -> None:
        message = result.message
        self._kept[message.number] = result
        self._by_task[message.task] = result

    def acknowledge(self, delivered: Delivered) -> None:
        """Forget what has been delivered for good."""
        size = sum(map(self._forget, range(self._delivered + 1, delivered.up_to + 1)))
        self._delivered = max(self._delivered, delivered.up_to)
        if delivered.also:
            size += sum(map(self._forget, found_in(delivered.also, self._kept)))
        self._budget.release(size)

    def unacknowledged(self) -> Iterable[Ended]:
        """Return what has not been delivered, in the order of its end."""
        return tuple(self._kept.values())

    def __contains__(self, key: Key) -> bool:
        result = self._by_task.get(key[0])
        return result is not None and result.message.attempt == key[1]

    def of_task(self, task: TaskId) -> Ended | None:
        """Return the last result of `task` that is here."""
        return self._by_task.get(task)

    def _forget(self, number: int) -> int:
        """Forget a result, if it is there; return how many bytes it took."""
        result = self._kept.pop(number, None)
        if result is None:
            return 0
        message = result.message
        if self._by_task.get(message.task) is result:
            del self._by_task[message.task]
        return result.size
