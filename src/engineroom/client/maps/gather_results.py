"""The result of a gather: the parts of several engines, joined."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from engineroom.client.maps.map_results import AsyncMapResult
from engineroom.client.progress.standing import Counts
from engineroom.client.results.async_iteration import Step
from engineroom.client.results.async_result import UNKNOWN, AsyncResult
from engineroom.client.results.metadata import Metadata
from engineroom.client.sequences.partitions import Distribution, rows_in
from engineroom.client.sequences.rows.kinds import kind_of
from engineroom.client.waiting.waits import NEVER, Deadline

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session


class AsyncGatherResult(AsyncMapResult[Any]):
    """The parts that `scatter` made, joined again.

    `get()`, iterating and indexing give the whole. Once it is there, its length and progress are those of the whole;
    before, and if a part failed, they count the parts. With `ordered=False`, iterating yields the rows of each part as
    it arrives.
    """

    __slots__ = ("_distribution",)

    def __init__(self, session: Session, count: int, distribution: Distribution, label: str) -> None:
        super().__init__(session, "gather", sizes=[1] * count, label=label)
        self._distribution = distribution

    def __len__(self) -> int:
        """How many rows the whole has, once it is there; before, and if a part failed, how many parts there are."""
        return self._rows() if self._is_whole_there() else super().__len__()

    @property
    def progress(self) -> int:
        """How many parts have ended; once all have, how many rows the whole has."""
        return self._rows() if self._is_whole_there() else super().progress

    def _is_whole_there(self) -> bool:
        ended = self.done() and not self.cancelled() and not self._failures
        return ended and all(task.exception() is None for task in self._tasks)  # or it could not be opened here

    def _rows(self) -> int:
        whole = self._value()
        kind = kind_of(whole)
        return len(whole) if kind is None else kind.count(whole)

    def _counts(self) -> Counts:
        parts = len(self._tasks)
        return AsyncResult._counts(self)._replace(done=parts - self._left, total=parts, unit="parts")

    def _iterate(self, timeout: float | None = None) -> Iterator[Any]:
        """Return an iterator over the whole; TimeoutError if it has not arrived within `timeout` seconds."""
        return iter(self.get(timeout)) if self.ordered else super()._iterate(timeout)

    def _values_at(self, place: int, deadline: Deadline = NEVER) -> Iterator[Any]:
        yield from rows_in(self._value_of(self._tasks[place], deadline))

    def _steps(self) -> Iterator[Step]:
        return iter([Step(self, self.done, lambda: self.get(0))]) if self.ordered else super()._steps()

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
