"""AsyncMapResult: the results of a map, counted and indexed by item, whatever its chunks."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from functools import partial
from itertools import accumulate
from operator import attrgetter, index
from typing import TYPE_CHECKING, Any, SupportsIndex, overload

from engineroom.client.kinds import T
from engineroom.client.maps.opening import Opening
from engineroom.client.progress.standing import Counts
from engineroom.client.results.async_iteration import Step
from engineroom.client.results.async_result import UNKNOWN, AsyncResult
from engineroom.client.results.metadata import Metadata, metadata_of
from engineroom.client.state.map_items import FailedChunk, FailedItem
from engineroom.client.waiting.waits import NEVER, Deadline, Waiter
from engineroom.errors import RemoteError, TaskAborted
from engineroom.errors.local import called_by_users
from engineroom.protocol.messages import Status
from engineroom.serialize.futures import chained

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session
    from engineroom.client.state.tasks import Task

_MANY = 1000
"""More tasks than this are found by a dict of all, fewer one by one."""

_NUMBER = attrgetter("number")


@called_by_users("_each", "__getitem__")
class AsyncMapResult(AsyncResult[list[T]]):
    """A Future for the results of a map. Its length, progress, indexes and metadata count items, not chunks.

    With `ordered`, iteration yields results in the order of the input, otherwise as they arrive. `get()` always returns
    them in the order of the input.
    """

    _is_map = True
    __slots__ = ("_arrived", "_starts", "_stop", "ordered")
    _counted = (0, 0)
    """So many of those that have arrived have been counted, and so many items they have."""
    _on_cost: Callable[[float], object] | None = None
    """Told once all went well how many seconds one item took."""

    def __init__(
        self,
        session: Session,
        name: str,
        *,
        sizes: Sequence[int],
        ordered: bool = True,
        return_exceptions: bool = False,
        stop: bool = False,
        label: str = "",
        progress: bool | None = None,
    ) -> None:
        """`sizes`: how many items each task has. `stop`: end with the first error. `progress`: see `wait`."""
        super().__init__(
            session, name, count=len(sizes), single=False, return_exceptions=return_exceptions, label=label
        )
        self._arrived: list[Task] = []
        self._starts = list(accumulate(sizes, initial=0))
        self._stop, self.ordered = stop, ordered
        if progress is not None:
            self._progress = progress

    def __len__(self) -> int:
        """How many items there are."""
        return self._starts[-1]

    @property
    def progress(self) -> int:
        """How many items have ended."""
        return sum(self._size(place) for place, task in enumerate(self._tasks) if task.outcome is not None)

    def _counts(self) -> Counts:
        """Return how many items have ended; of those that were counted before, nothing is counted again."""
        counted, done = self._counted
        new = self._arrived[counted:]
        if len(new) > _MANY:
            sizes = {task.number: self._size(place) for place, task in enumerate(self._tasks)}
            done += sum([sizes[task.number] for task in new])
        else:
            tasks = self._tasks
            done += sum([self._size(bisect_left(tasks, task.number, key=_NUMBER)) for task in new])
        self._counted = (counted + len(new), done)
        in_chunks = len(self._tasks) < len(self)
        return super()._counts()._replace(done=done, total=len(self), unit="items", in_chunks=in_chunks)

    def _iterate(self, timeout: float | None = None) -> Iterator[T]:
        """Yield the results item by item, each as soon as its chunk is there and, if ordered, its turn has come.

        TimeoutError if that takes more than `timeout` seconds from now on, all together.
        """
        return self._shown_while_read(self._each(Deadline(timeout)))

    if TYPE_CHECKING:  # an AsyncMapResult[int] has items that are ints

        def __iter__(self) -> Iterator[T]: ...
        def __aiter__(self) -> AsyncIterator[T]: ...

    @overload
    def __getitem__(self, key: SupportsIndex) -> T: ...
    @overload
    def __getitem__(self, key: slice) -> list[T]: ...
    @overload
    def __getitem__(self, key: str) -> Any: ...
    def __getitem__(self, key: Any) -> Any:
        """Return the results of one item (index) or several (slice), waiting only for these, or metadata (str).

        `key`: the number of an item, from 0; negative: from the last. IndexError: there is no such item.
        """
        if isinstance(key, str):
            return super().__getitem__(key)
        if isinstance(key, slice):
            return [self._result_at(number) for number in range(*key.indices(len(self)))]
        number = index(key)
        if not -len(self) <= number < len(self):
            raise IndexError(f"item {number} does not exist: the map has {len(self)} items")
        return self._result_at(number % len(self))

    def get_dict(self, timeout: float | None = -1) -> dict[int, Any]:
        """Return the results as a dict: engine id to the list of results of the items that it ran.

        Waits as `get` does, at most `timeout` seconds; None or negative: no limit.
        """
        results = self.get(timeout)
        found: dict[int, Any] = {}
        for place, task in enumerate(self._tasks):
            found.setdefault(task.engine, []).extend(results[self._starts[place] : self._starts[place + 1]])
        return found

    def split(self) -> tuple[AsyncResult[Any], ...]:
        """Return one AsyncResult per item; its result is a list with one element."""
        from engineroom.client.maps.item_of_map import ItemOfMap  # few split a map

        with self._session.condition:
            return tuple(
                ItemOfMap(self, number, place)
                for place in range(len(self._tasks))
                for number in range(self._starts[place], self._starts[place + 1])
            )

    def _wait_for_value(self, timeout: float | None, waiter: Waiter | None = None) -> None:
        super()._wait_for_end(timeout, waiter or Opening(self, self._arrived))

    def _task_done(self, task: Task) -> None:
        """One of our tasks has ended; called by the session."""
        self._arrived.append(task)
        super()._task_done(task)
        if not (self._left or self._failures) and self._on_cost is not None and len(self):
            self._on_cost(sum([task.outcome.seconds for task in self._tasks if task.outcome]) / len(self))
        if self._stop and self._failures and not self.done():
            self._end_early()

    def _note_size(self, place: int) -> None:
        """Have the history count the items of the task that was submitted as number `place`."""
        if self._size(place) > 1:
            self._session.chunk_sizes.add(self._tasks[place].number, self._size(place))

    def _end_early(self) -> None:
        self._finish()
        if not self._session.closed:
            self._session.abort(self._tasks, interrupt=True)

    def _failed_in_words(self) -> str:
        """Return how many items failed, which is not known of chunks of several before they are unpacked."""
        return super()._failed_in_words() if len(self._tasks) == len(self) else "with errors"

    def _each(self, deadline: Deadline) -> Iterator[Any]:
        for place in range(len(self._starts) - 1) if self.ordered else self._as_they_come(deadline):
            yield from self._values_at(place, deadline)

    def _values_at(self, place: int, deadline: Deadline = NEVER) -> Iterator[Any]:
        items = self._items_at(place, deadline)
        if self._is_whole(place):
            yield from items
        else:
            for item in items:
                yield self._value_or_raise(item)

    def _steps(self) -> Iterator[Step]:
        places = {} if self.ordered else {id(task): place for place, task in enumerate(self._tasks)}
        for turn in range(len(self._starts) - 1):
            yield Step(self, partial(self._is_there, turn), partial(self._values_in_turn, turn, places))

    def _is_there(self, turn: int) -> bool:
        """Whether the chunk that an iteration yields as number `turn` is there."""
        return self.done() or (self._has_ended(turn) if self.ordered else len(self._arrived) > turn)

    def _values_in_turn(self, turn: int, places: dict[int, int]) -> Iterator[Any]:
        if self.ordered:
            return self._values_at(turn)
        if len(self._arrived) <= turn:
            return iter(())  # it was ended by an error, which has been raised
        return self._values_at(places[id(self._arrived[turn])])

    def _as_they_come(self, deadline: Deadline) -> Iterator[int]:
        places = {id(task): place for place, task in enumerate(self._tasks)}
        for position in range(len(self._tasks)):
            self._wait_until(lambda: len(self._arrived) > position, deadline)  # noqa: B023 (called before the next)
            if len(self._arrived) <= position:
                return  # it was ended by an error, which has been raised
            yield places[id(self._arrived[position])]

    def _result_at(self, number: int) -> Any:
        place = bisect_right(self._starts, number) - 1
        return self._value_or_raise(self._items_at(place)[number - self._starts[place]])

    def _value_or_raise(self, item: Any) -> Any:
        if type(item) is not FailedItem and type(item) is not FailedChunk:
            return item
        if self._stop and type(item) is FailedChunk and isinstance(item.error, TaskAborted):
            raise self._composite()  # what went wrong, rather than what was cancelled because of it
        if self._return_exceptions:
            return item.error
        raise item.error.with_traceback(None)  # each time anew, or it would grow

    def _items_at(self, place: int, deadline: Deadline = NEVER) -> list[Any]:
        """Return the results of a chunk, with a FailedItem or FailedChunk where there is none; waits for it."""
        self._wait_until(lambda: self._has_ended(place), deadline)
        if not self._has_ended(place):
            return [FailedChunk(TaskAborted("cancelled because another item failed"))] * self._size(place)
        task = self._tasks[place]
        items = task.items()
        if items is None:
            items = [FailedChunk(self._error_of_chunk(place))] * self._size(place)
        return items

    def _error_of_chunk(self, place: int) -> BaseException:
        """Return why a chunk has no results, and name the first of its items."""
        error = self._tasks[place].exception() or TypeError("this chunk returned no results")
        if isinstance(error, RemoteError) and error.item is None:
            others = self._size(place) - 1
            error.of_item(self._starts[place], f"and {others} more" if others else "")
        return error

    def _has_ended(self, place: int) -> bool:
        return place < len(self._tasks) and self._tasks[place].outcome is not None

    def _wait_until(self, condition: Callable[[], bool], deadline: Deadline) -> None:
        if not condition() and not self._wait(lambda: condition() or self.done(), deadline.left()):
            raise TimeoutError("not all results arrived in time")
        if self.cancelled():
            raise CancelledError

    def _is_whole(self, place: int) -> bool:
        outcome = self._tasks[place].outcome
        return outcome is not None and outcome.status == Status.OK and self._tasks[place].items() is not None

    def _size(self, place: int) -> int:
        return self._starts[place + 1] - self._starts[place]

    def _value(self) -> Any:
        if self._failures:
            raise self._composite()
        if self._known is UNKNOWN:
            items: list[Any] = []
            for task in self._tasks:
                items += task.value()
            self._known = items
        return self._known

    def _values_or_errors(self) -> Any:
        return [
            item.error if type(item) is FailedItem or type(item) is FailedChunk else item
            for place in range(len(self._starts) - 1)
            for item in self._items_at(place)
        ]

    def _errors(self) -> list[BaseException]:
        """Return the errors so far, in the order of the items; without items that were cancelled because of another."""
        errors: dict[int, BaseException] = {}
        for place, task in enumerate(self._tasks):
            if task.outcome is not None and not self._is_whole(place):
                failed = [item.error for item in self._items_at(place) if isinstance(item, FailedItem | FailedChunk)]
                errors.update((id(error), error) for error in failed)
        return [error for error in errors.values() if not _was_stopped(error)] or list(errors.values())[:1]

    def _as_argument(self) -> tuple[Any, ...]:
        return chained, self._parts_as_arguments()

    def _metadata(self) -> list[Metadata]:
        """Return those of each item: of its chunk, whose output stands at the first item, and its own error."""
        return [metadata for place in range(len(self._tasks)) for metadata in self._metadata_at(place)]

    def _metadata_at(self, place: int) -> list[Metadata]:
        task = self._tasks[place]
        whole = metadata_of(task, self._session.id, self._label, None)
        rest = Metadata(whole, stdout="", stderr="")
        found = [whole, *([rest] * (self._size(place) - 1))]
        if task.outcome is None or self._is_whole(place):
            return found
        return [_of_item(metadata, item) for metadata, item in zip(found, self._items_at(place), strict=True)]


def _of_item(metadata: Metadata, item: Any) -> Metadata:
    if type(item) is FailedChunk:
        return metadata
    if type(item) is FailedItem:
        return Metadata(metadata, status="error", error=item.error)
    return Metadata(metadata, status="ok", error=None)


def _was_stopped(error: BaseException) -> bool:
    """Whether `error` only says that an item was cancelled or interrupted."""
    name = error.ename if isinstance(error, RemoteError) else type(error).__name__
    return name in {"TaskAborted", "KeyboardInterrupt"}
