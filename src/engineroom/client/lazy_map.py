"""Maps over iterators that may never end: items are read as results are taken."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Literal

from engineroom.errors.local import called_by_users

if TYPE_CHECKING:
    from engineroom.client.results import AsyncResult
    from engineroom.client.views.balanced import LoadBalancedView

_AHEAD_PER_ENGINE = 64
"""Items that `max_outstanding="auto"` keeps under way for each engine."""


@called_by_users("__next__")
class LazyMapIterator(Iterator[Any]):
    """The results of `view.imap`; `cancel` ends it early."""

    def __init__(
        self,
        view: LoadBalancedView,
        function: Callable[..., Any],
        sequences: tuple[Iterable[Any], ...],
        *,
        ordered: bool,
        max_outstanding: int | Literal["auto"] | None,
        return_exceptions: bool,
    ) -> None:
        if max_outstanding not in {"auto", None} and not (isinstance(max_outstanding, int) and max_outstanding > 0):
            raise ValueError(f"max_outstanding is {max_outstanding!r}; it may be 'auto', None or a number above 0")
        self._view, self._function = view, function
        self._items = zip(*sequences, strict=False)
        self._ordered, self._max_outstanding, self._return_exceptions = ordered, max_outstanding, return_exceptions
        self._waiting: deque[AsyncResult] = deque()
        self._arrived: SimpleQueue[AsyncResult] = SimpleQueue()
        self._under_way: set[AsyncResult] = set()
        self._exhausted = False
        self._fill()

    def __next__(self) -> Any:
        if not self._under_way:
            self._fill()
        if not self._under_way:
            raise StopIteration
        result = self._next_result()
        self._under_way.discard(result)
        # Refilled by halves, so that the I/O thread is woken for many items at once.
        if len(self._under_way) <= (self._limit() or 0) // 2:
            self._fill()
        return result.get(return_exceptions=self._return_exceptions)

    def cancel(self) -> None:
        """Read no more items and withdraw those under way; iterating ends."""
        self._exhausted = True
        for result in self._under_way:
            result.cancel()
        self._under_way.clear()
        self._waiting.clear()

    def _next_result(self) -> AsyncResult:
        if not self._ordered:
            return self._arrived.get()
        result = self._waiting.popleft()
        result.wait()
        return result

    def _limit(self) -> int | None:
        if self._max_outstanding == "auto":
            return max(1, self._view.width) * _AHEAD_PER_ENGINE
        return self._max_outstanding

    def _fill(self) -> None:
        limit = self._limit()
        while not self._exhausted and (limit is None or len(self._under_way) < limit):
            try:
                items = next(self._items)
            except StopIteration:
                self._exhausted = True
                return
            result = self._view.apply_async(self._function, *items)
            self._under_way.add(result)
            if self._ordered:
                self._waiting.append(result)
            else:
                result.when_done(functools.partial(self._arrived.put, result))
