"""Iterators over the results of maps that read their items, or return their results, one by one."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any, NoReturn, cast

from engineroom.client.kinds import T
from engineroom.client.maps.blamed_items import blamed
from engineroom.client.maps.reading import Reading
from engineroom.client.results.async_iteration import Until, each
from engineroom.client.sequences.columns import iterate
from engineroom.client.waiting.awaited import Ended, new_wait
from engineroom.client.waiting.waits import NEVER, Deadline, in_slices
from engineroom.errors import PackError, RemoteError
from engineroom.errors.local import called_by_users, is_for_users, show_users_frames
from engineroom.serialize.chunks.item_text import text_of
from engineroom.serialize.functions.packing import name_of

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session
    from engineroom.client.maps.map_results import AsyncMapResult
    from engineroom.client.results.async_result import AsyncResult

_AT_LEAST = 0.005
"""Seconds for which items are read ahead even if a result is there already: many at a time cost less each."""

_AHEAD_PER_ENGINE = 64
"""Items that `max_outstanding="auto"` keeps under way for each engine."""

Submit = Callable[[int, tuple[Any, ...]], "AsyncResult[Any]"]
"""Submits the item of this number, with these arguments."""


def ahead(max_outstanding: Any, engines: Callable[[], int]) -> Callable[[], int | None]:
    """Return what tells how many items may be under way, on as many engines as `engines()` says.

    ValueError: `max_outstanding` is not a number above 0.
    """
    if max_outstanding == "auto":
        return lambda: max(1, engines()) * _AHEAD_PER_ENGINE
    if max_outstanding is not None and (not hasattr(max_outstanding, "__index__") or max_outstanding < 1):
        raise ValueError(f"max_outstanding must be 'auto', None or a positive number, not {max_outstanding!r}")
    return lambda: max_outstanding


@called_by_users("__next__", "__anext__")
class LazyMapIterator(Iterator[T]):
    """An iterator over the results of `view.imap` or `executor.map`; `cancel` ends it early.

    An item that failed raises its error in its turn; you can then read the next result. An error in reading or sending
    an item ends the iterator, after the results of all earlier items.
    """

    def __init__(
        self,
        session: Session,
        function: Callable[..., Any],
        sequences: Sequence[Any],
        submit: Submit,
        *,
        limit: Callable[[], int | None],
        ordered: bool = True,
        return_exceptions: bool = False,
        deadline: Deadline = NEVER,
        method: str = "imap",
        on_error: str = "continue",
        progress: bool | None = None,
    ) -> None:
        """`limit`: returns how many items may be under way, None for any number; `method`: what errors call it.
        `on_error="stop"`: the first error ends the iterator, and cancels what has not started. `progress`: whether
        waits for results show a progress bar."""
        if not sequences:
            raise TypeError("a map needs at least one sequence of items")
        self._session, self._function, self._submit = session, function, submit
        self._items = zip(*map(iterate, sequences), strict=False)
        self._limit, self._deadline, self._method = limit, deadline, method
        self._stops = on_error == "stop"
        self._ordered, self._return_exceptions = ordered, return_exceptions
        self._waiting: deque[AsyncResult[Any]] = deque()
        self._arrived: SimpleQueue[AsyncResult[Any]] = SimpleQueue()
        self._under_way: dict[AsyncResult[Any], tuple[int, tuple[Any, ...]]] = {}
        name = f"{method}:{name_of(function)}"
        self._reading = Reading(session, name, sequences, progress=progress, under_way=self._under_way)
        self._read = self._taken = 0
        self._exhausted = False
        self._problem: BaseException | None = None
        self._wanted: Ended | None = None
        self._fill()

    def __next__(self) -> T:
        try:
            if not self._under_way:
                self._fill()
            if not self._under_way:
                self._end()
            result = self._next_result()
            number, arguments = self._under_way.pop(result)
            self._taken += 1
            self._reading.done = self._taken
            # Refilled by halves, so that the I/O thread is woken for many items at once.
            if len(self._under_way) <= (self._limit() or 0) // 2:
                self._fill()
        except KeyboardInterrupt:
            self.cancel()
            raise
        return cast("T", self._value(result, number, arguments))

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        """Return the next result like `next()`, in an event loop; if that is cancelled, so are the items under way."""
        try:
            await self._session.wait_for_room(1)
            if not self._under_way:
                self._fill()
            if not self._under_way and self._problem is None:
                raise StopAsyncIteration
            if self._under_way:
                async with asyncio.timeout(self._deadline.left()):
                    await self._until_next()
        except TimeoutError:
            raise self._too_late() from None
        except asyncio.CancelledError:
            self.cancel()
            raise
        return self.__next__()

    async def _until_next(self) -> None:
        if self._ordered:
            await Until(self._waiting[0], self._waiting[0].done)
            return
        wanted = self._wanted = new_wait()
        if self._arrived.empty():
            self._session.silence.watch()
            await wanted

    def cancel(self) -> None:
        """Read no more items, cancel those that have not started, and interrupt the others. Iteration ends."""
        self._leave(interrupt=True)

    def _leave(self, *, interrupt: bool) -> None:
        """End the iteration, and withdraw what is under way."""
        self._exhausted, self._problem = True, None
        self._reading.end()
        under_way = list(self._under_way)
        self._under_way.clear()
        self._waiting.clear()
        _withdraw(self._session, [task for result in under_way for task in result._unfinished()], interrupt=interrupt)

    def __reduce__(self) -> NoReturn:
        raise TypeError("an iterator over results stays with its client. Send the results: `list(iterator)`")

    def __del__(self) -> None:
        # A loop that was left early wants no more results. Here may be any thread, with any lock held.
        if not getattr(self, "_taken", 0):
            return
        self._reading.end()
        if self._under_way and not self._session.closed:
            tasks = [task for result in self._under_way for task in result._unfinished()]
            self._session.call_soon(functools.partial(_withdraw, self._session, tasks))

    def __repr__(self) -> str:
        state = f"{self._taken} results read, {len(self._under_way)} items in progress"
        return f"<{type(self).__name__}({name_of(self._function)}): {state}>"

    def _end(self) -> None:
        """Raise what reading the items has raised; else StopIteration."""
        problem, self._problem = self._problem, None
        self._reading.end(exhausted=problem is None)
        if problem is not None:
            raise problem
        raise StopIteration

    def _next_result(self) -> AsyncResult[Any]:
        left = self._deadline.left()
        if self._ordered:
            result = self._waiting[0]
            if result.done() or self._wait_for(result, left):
                return self._waiting.popleft()
        elif self._arrived.empty():
            arrived: list[AsyncResult[Any]] = []
            if in_slices(lambda seconds: self._take_into(arrived, seconds), left, self._reading.looks()):
                return arrived[0]
        else:
            return self._arrived.get()
        raise self._too_late()

    def _wait_for(self, result: AsyncResult[Any], seconds: float | None) -> bool:
        self._reading.waits_for(result)
        return result.wait(-1 if seconds is None else seconds)

    def _take_into(self, arrived: list[AsyncResult[Any]], seconds: float) -> bool:
        with contextlib.suppress(Empty):
            arrived.append(self._arrived.get(timeout=seconds))
        return bool(arrived)

    def _too_late(self) -> TimeoutError:
        if self._stops:
            self._leave(interrupt=False)
        return TimeoutError("not all results arrived in time")

    def _value(self, result: AsyncResult[Any], number: int, arguments: tuple[Any, ...]) -> Any:
        error = result.exception(0)
        if error is None:
            return result.result(0)
        self._reading.failed += 1
        if isinstance(error, RemoteError) and error.item is None:
            error.engine_info["method"] = self._method
            error.of_item(number, text_of([(argument,) for argument in arguments], 0))
        if self._return_exceptions:
            return error
        if self._stops:
            self._leave(interrupt=False)
        raise error.with_traceback(None)  # each time anew, or it would grow

    def _fill(self) -> None:
        limit, start = self._limit(), monotonic()
        while not self._exhausted and (limit is None or len(self._under_way) < limit):
            if self._has_next() and monotonic() - start > _AT_LEAST:
                return  # items come slowly: who waits for results gets those that are there
            try:
                arguments = next(self._items)
                result = self._submit(self._read, arguments)
            except StopIteration:
                self._exhausted = True
                return
            except PackError as error:
                self._exhausted, self._problem = True, blamed([(one,) for one in arguments], self._read) or error
                return
            except Exception as error:  # noqa: BLE001 (raised after the results of the items before it)
                self._exhausted, self._problem = True, error
                return
            self._under_way[result] = self._read, arguments
            self._read += 1
            if self._ordered:
                self._waiting.append(result)
            else:
                result._when_done(functools.partial(self._arrive, result))

    def _arrive(self, result: AsyncResult[Any]) -> None:
        self._arrived.put(result)
        if self._wanted is not None:
            self._session.awaited.add(self._wanted)

    def _has_next(self) -> bool:
        if self._ordered:
            return bool(self._waiting) and self._waiting[0].done()
        return not self._arrived.empty()


@called_by_users("__anext__")
class WholeMapIterator(LazyMapIterator[T]):
    """The results of a map that was submitted as a whole.

    Like the iterators of `concurrent.futures`, it ends with the first error and cancels what has not started.
    """

    def __init__(self, result: AsyncMapResult[T], timeout: float | None) -> None:
        self._result, self._session, self._taken = result, result._session, 0
        self._results: Iterator[T] = result._iterate(timeout)
        self._in_loop, self._deadline = each(result), Deadline(timeout)

    def __next__(self) -> T:
        try:
            value = next(self._results)
        except StopIteration:
            raise
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                self.cancel()
            else:
                _withdraw(self._session, self._result._unfinished())
            if is_for_users(error):  # here, since it is called for each item
                show_users_frames(error)
            raise
        self._taken += 1
        return value

    async def __anext__(self) -> T:
        """Return the next result, in an event loop. An error, or the coroutine's cancellation, ends the iterator."""
        try:
            async with asyncio.timeout(self._deadline.left()):
                value = await anext(self._in_loop)
        except StopAsyncIteration:
            raise
        except BaseException:
            _withdraw(self._session, self._result._unfinished())
            raise
        self._taken += 1
        return cast("T", value)

    def cancel(self) -> None:
        """Cancel tasks that have not started, and interrupt those that are running. Iteration ends."""
        self._results = iter(())
        self._result.cancel()

    def __del__(self) -> None:
        if getattr(self, "_taken", 0) and not self._result.done() and not self._session.closed:
            self._session.call_soon(functools.partial(_withdraw, self._session, self._result._unfinished()))

    def __repr__(self) -> str:
        of = f"{self._taken} of {len(self._result)} results read, {self._result.progress} items done"
        return f"<LazyMapIterator({self._result._name.partition(':')[2]}): {of}>"


def _withdraw(session: Session, tasks: list[Any], *, interrupt: bool = False) -> None:
    if not session.closed:
        session.abort(tasks, interrupt=interrupt)
