"""AsyncMapResult: the results of a map, item by item, as its chunks come in."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any

from engineroom.client.chunks import Failed
from engineroom.client.partitions import Distribution
from engineroom.client.results import AsyncResult
from engineroom.client.waiting import Deadline
from engineroom.errors.local import called_by_users

if TYPE_CHECKING:
    from engineroom.client.session import Session
    from engineroom.client.tasks import Task


@called_by_users("_each", "__getitem__")
class AsyncMapResult(AsyncResult):
    """The results of a map or a gather, joined again; iterating yields items while others still run.

    `ordered`: iterate in the order of the input, else in that of arrival. `get()` is always in order.
    """

    __slots__ = ("_arrived", "_distribution", "ordered")

    def __init__(
        self,
        session: Session,
        name: str,
        *,
        count: int,
        distribution: Distribution,
        ordered: bool = True,
        return_exceptions: bool = False,
        label: str = "",
    ) -> None:
        super().__init__(session, name, count=count, single=False, return_exceptions=return_exceptions, label=label)
        self._arrived: list[Task] = []
        self._distribution, self.ordered = distribution, ordered

    def iterate(self, timeout: float | None = None) -> Iterator[Any]:
        """Yield the results item by item, each as soon as its chunk is there and, if ordered, its turn has come.

        TimeoutError if that takes more than `timeout` seconds from now on, all together.
        """
        deadline = Deadline(timeout)
        return self._each(deadline)

    def _each(self, deadline: Deadline) -> Iterator[Any]:
        for task in self._tasks if self.ordered else self._as_they_come(deadline):
            chunk = self._value_of(task, deadline)
            if isinstance(chunk, BaseException):
                yield chunk  # the whole chunk is lost, and errors are wanted as results
            else:
                yield from _items(chunk, task)

    def __getitem__(self, key: int | slice | str) -> Any:
        """Return items of the joined result (waiting for all of it), or what metadata have under a str."""
        if isinstance(key, str):
            return super().__getitem__(key)
        return self.get()[key]

    def task_done(self, task: Task) -> None:
        """One of our tasks has ended; called by the session."""
        self._arrived.append(task)
        super().task_done(task)

    def _as_they_come(self, deadline: Deadline) -> Iterator[Task]:
        position = 0

        def has_come() -> bool:
            return self.done() or len(self._arrived) > position

        while position < len(self._tasks):
            if not self._wait(has_come, deadline.left()):
                raise TimeoutError("not all results came in time")
            if self.cancelled():
                raise CancelledError
            yield self._arrived[position]
            position += 1

    def _join(self, values: list[Any]) -> Any:
        parts = [
            [value] if isinstance(value, BaseException) else _items(value, task)
            for value, task in zip(values, self._tasks, strict=True)
        ]
        return self._distribution.join(parts)


def _items(chunk: Any, task: Task) -> Any:
    """Return the results of a chunk, with errors where items raised."""
    if type(chunk) is list and any(type(item) is Failed for item in chunk):
        return [item.error(task.engine, task.instance) if type(item) is Failed else item for item in chunk]
    return chunk
