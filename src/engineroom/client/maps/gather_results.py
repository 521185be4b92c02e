"""The result of a gather: the parts of several engines, joined."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from engineroom.client.maps.map_results import AsyncMapResult
from engineroom.client.results.async_iteration import Step
from engineroom.client.results.async_result import UNKNOWN, AsyncResult
from engineroom.client.results.metadata import Metadata
from engineroom.client.sequences.partitions import Distribution

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session


class AsyncGatherResult(AsyncMapResult[Any]):
    """The parts that `scatter` made, joined again.

    Its length and progress count the parts; `get()`, iterating and indexing give the whole.
    """

    __slots__ = ("_distribution",)

    def __init__(self, session: Session, count: int, distribution: Distribution, label: str) -> None:
        super().__init__(session, "gather", sizes=[1] * count, label=label)
        self._distribution = distribution

    def _iterate(self, timeout: float | None = None) -> Iterator[Any]:
        """Return an iterator over the whole; TimeoutError if it has not arrived within `timeout` seconds."""
        return iter(self.get(timeout))

    def _steps(self) -> Iterator[Step]:
        yield Step(self, self.done, lambda: self.get(0))

    def __getitem__(self, key: Any) -> Any:
        """Return what the whole has at `key`, waiting for all of it, or the metadata of a name (str)."""
        return AsyncResult.__getitem__(self, key) if isinstance(key, str) else self.get()[key]

    def get_dict(self, timeout: float | None = -1) -> dict[int, Any]:
        """Return the parts by engine id; waits at most `timeout` seconds (None or negative: no limit)."""
        self.get(timeout)
        return {task.engine: task.value() for task in self._tasks}

    def _value(self) -> Any:
        if self._failures:
            raise self._composite()
        if self._known is UNKNOWN:
            self._known = self._distribution.join([task.value() for task in self._tasks])
        return self._known

    def _as_argument(self) -> tuple[Any, ...]:
        return _joined, (self._distribution, self._parts_as_arguments())

    def _values_or_errors(self) -> Any:
        found = [task.exception() or task.value() for task in self._tasks]
        return found if self._failures else self._distribution.join(found)

    def _metadata(self) -> list[Metadata]:
        return AsyncResult._metadata(self)

    def split(self) -> tuple[AsyncResult[Any], ...]:
        """Return one AsyncResult for each part."""
        return AsyncResult.split(self)

    def _errors(self) -> list[BaseException]:
        return AsyncResult._errors(self)


def _joined(distribution: Distribution, parts: Sequence[Any]) -> Any:
    """Return the whole, on an engine: joined as it would be here."""
    return distribution.join(list(parts))
