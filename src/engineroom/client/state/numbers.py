"""A compact long history of task numbers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, islice, repeat

_NOTHING = range(-1)


class NumberHistory:
    """The last `limit` numbers, in the order in which they came.

    Numbers that follow one another are kept as one range. (An int kept for each task would also keep
    the memory around it from being given back.)
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._ranges: deque[range] = deque()
        self._count = 0

    def add(self, first: int, count: int = 1) -> None:
        """Remember `count` numbers from `first` on."""
        ranges = self._ranges
        last = ranges[-1] if ranges else _NOTHING
        new = range(last.start if last.stop == first else first, first + count)
        if last.stop == first and ranges[-1] is last:
            ranges[-1] = new
        else:  # or a signal handler has been here meanwhile
            ranges.append(range(first, first + count))
        self._count += count
        while self._count - len(ranges[0]) >= self._limit:
            gone = len(ranges.popleft())
            self._count -= gone

    def __iter__(self) -> Iterator[int]:
        too_many = max(0, self._count - self._limit)
        return islice(chain.from_iterable(tuple(self._ranges)), too_many, None)


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
