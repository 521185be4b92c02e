"""One item of a map as an AsyncResult of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from engineroom.client.results.async_iteration import Step
from engineroom.client.results.async_result import AsyncResult
from engineroom.client.results.metadata import Metadata
from engineroom.client.state.future_states import FINISHED
from engineroom.client.waiting.waits import Deadline
from engineroom.serialize.futures import one_item

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session
    from engineroom.client.state.tasks import Task


class WholeMap(Protocol):
    """What an item needs of its map, an AsyncMapResult; a place is that of a chunk among the map's tasks."""

    _session: Session
    _name: str
    _label: str
    _tasks: list[Task]
    _starts: list[int]

    def done(self) -> bool: ...
    def _watch(self, look: Callable[[], object]) -> bool: ...
    def _has_ended(self, place: int) -> bool: ...
    def _is_whole(self, place: int) -> bool: ...
    def _items_at(self, place: int, deadline: Deadline) -> list[Any]: ...
    def _value_or_raise(self, item: Any) -> Any: ...
    def _result_at(self, number: int) -> Any: ...
    def _metadata_at(self, place: int) -> list[Metadata]: ...


class ItemOfMap(AsyncResult[list[Any]]):
    """The result of one item, in a list of one; it ends with the item's chunk."""

    __slots__ = ("_number", "_place", "_whole")

    def __init__(self, whole: WholeMap, number: int, place: int) -> None:
        super().__init__(whole._session, whole._name, count=1, single=False, label=whole._label)
        self._whole, self._number, self._place = whole, number, place
        self._tasks = whole._tasks[place : place + 1]
        if self._has_ended() or not whole._watch(self._chunk_ended):
            self._state = FINISHED

    def __len__(self) -> int:
        """How many items there are: one."""
        return 1

    def __getitem__(self, key: Any) -> Any:
        """Return the result, by 0 or -1; by a str, what metadata have there."""
        return super().__getitem__(key) if isinstance(key, str) else self.get()[key]

    def _as_argument(self) -> tuple[Any, ...]:
        return one_item, (self._number - self._whole._starts[self._place], *self._parts_as_arguments())

    def _in_order(self, deadline: Deadline) -> Iterator[Any]:
        whole, place = self._whole, self._place
        yield whole._value_or_raise(whole._items_at(place, deadline)[self._number - whole._starts[place]])

    def _steps(self) -> Iterator[Step]:
        yield Step(self, self.done, lambda: self.get(0))

    def _has_ended(self) -> bool:
        return self._whole.done() or self._whole._has_ended(self._place)

    def _chunk_ended(self) -> None:
        if self._has_ended() and not self.done():
            self._end(FINISHED)

    def _failed(self) -> bool:
        return not self._whole._is_whole(self._place)

    def _value(self) -> list[Any]:
        return [self._whole._result_at(self._number)]

    def _error(self) -> BaseException | None:
        try:
            self._value()
        except BaseException as error:  # noqa: BLE001 (whatever the item raised, or that it was cancelled)
            return error
        return None

    def _values_or_errors(self) -> Any:
        error = self._error()
        return self._value() if error is None else [error]

    def _metadata(self) -> list[Metadata]:
        return [self._whole._metadata_at(self._place)[self._number - self._whole._starts[self._place]]]
