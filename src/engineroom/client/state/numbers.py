"""A compact long history of task numbers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, islice, repeat


class NumberHistory:
    """The last `limit` numbers, in the order in which they came.

    Numbers that follow one another are kept as one run: [first, last + 1]. (An int kept for each task would also keep
    the memory around it from being given back.)
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._runs: deque[list[int]] = deque()
        self._last = [-1, -1]
        self._count = 0

    def add(self, first: int, count: int = 1) -> None:
        """Remember `count` numbers from `first` on. A signal handler may do so in the middle of this."""
        last = self._last
        if last[1] == first:
            last[1] = first + count
        else:
            self._last = last = [first, first + count]
            self._runs.append(last)
        self._count += count
        if self._count > 2 * self._limit:
            self._forget()

    def _forget(self) -> None:
        """Forget the oldest, as far as they are too many."""
        runs = self._runs
        while (excess := self._count - self._limit) > 0:
            start, stop = runs[0]
            gone = min(excess, stop - start)
            self._count -= gone
            if start + gone < stop:
                runs[0][0] += gone
            else:
                runs.popleft()

    def __iter__(self) -> Iterator[int]:
        too_many = max(0, self._count - self._limit)
        return islice(chain.from_iterable(range(*run) for run in tuple(self._runs)), too_many, None)


HISTORY = 100_000
"""So many calls are named in the history of a client, and of a view."""


class ChunkSizes:
    """How many items the last tasks had that were chunks of a map, by their numbers."""

    def __init__(self) -> None:
        self._sizes: dict[int, int] = {}

    def add(self, number: int, size: int) -> None:
        """Note the size of a chunk that was just submitted."""
        self._sizes[number] = size
        if len(self._sizes) > HISTORY:
            self._sizes.pop(next(iter(self._sizes)), None)

    def last_calls(self, numbers: Iterable[int]) -> list[int]:
        """Return, for each of the last calls, the number of the task that makes it; those of a map are its items."""
        sizes = self._sizes
        newest_first = reversed(list(numbers))
        calls = chain.from_iterable(repeat(number, sizes.get(number, 1)) for number in newest_first)
        return list(islice(calls, HISTORY))[::-1]
