"""Task numbers remembered for long, in little memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import chain, islice


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
        if ranges and ranges[-1].stop == first:
            ranges[-1] = range(ranges[-1].start, first + count)
        else:
            ranges.append(range(first, first + count))
        self._count += count
        while self._count - len(ranges[0]) >= self._limit:
            self._count -= len(ranges.popleft())

    def __iter__(self) -> Iterator[int]:
        too_many = max(0, self._count - self._limit)
        return islice(chain.from_iterable(tuple(self._ranges)), too_many, None)
