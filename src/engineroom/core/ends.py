"""How the tasks of a session ended, and where: remembered in few bytes, long after their results are gone.

Most tasks end well, so only the others are noted, as ranges; places are kept for the last tasks alone.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable
from itertools import pairwise

from engineroom.protocol.task_ranges import Range, tidy

MOST_FAILURES = 4096

PLACES = 1 << 16
"""So many tasks, the last ones, whose engine is remembered. A power of two, as `_FIRST` is."""

_WHOLE = PLACES - 1
_FIRST = 1 << 8
_BITS = 24
"""Of a place: which life of an engine it is; what stands above it is the number of the task."""
_LIVES = (1 << _BITS) - 1
_NUMBERS = (1 << (64 - _BITS)) - 1


class Ends:
    """What is remembered of the tasks of one session that have ended.

    `forgotten_up_to`: of tasks up to this number it is not known any more how they ended. `most_failures`: ranges of
    tasks that did not end well; beyond these, the lowest numbers are forgotten.
    """

    __slots__ = ("_firsts", "_lasts", "_mask", "_most_failures", "_places", "forgotten_up_to")

    def __init__(self, most_failures: int = MOST_FAILURES) -> None:
        self._most_failures = most_failures
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        self.forgotten_up_to = 0
        self._places = array("Q")
        self._mask = -1

    def failed(self, number: int) -> None:
        """Task `number` did not end well. O(log ranges), and the move of what is behind it."""
        firsts, lasts = self._firsts, self._lasts
        place = bisect_right(firsts, number)
        if place and number <= lasts[place - 1] + 1:
            lasts[place - 1] = max(lasts[place - 1], number)
            if place < len(firsts) and firsts[place] == number + 1:
                lasts[place - 1] = lasts.pop(place)
                del firsts[place]
        elif place < len(firsts) and firsts[place] == number + 1:
            firsts[place] = number
        else:
            firsts.insert(place, number)
            lasts.insert(place, number)
            if len(firsts) > self._most_failures:
                self._forget_half()

    def all_failed(self, ranges: Iterable[Range]) -> None:
        """All these tasks did not end well. O(ranges known + ranges given)."""
        merged = tidy([*zip(self._firsts, self._lasts, strict=True), *ranges])
        self._firsts, self._lasts = [first for first, _ in merged], [last for _, last in merged]
        while len(self._firsts) > self._most_failures:
            self._forget_half()

    def _forget_half(self) -> None:
        half = len(self._firsts) // 2
        self.forgotten_up_to = max(self.forgotten_up_to, self._lasts[half - 1])
        del self._firsts[:half], self._lasts[:half]

    def count_failed(self, ranges: Iterable[Range]) -> int:
        """Return how many of these tasks, which have all ended, did not end well. O(given ranges + found ones)."""
        count, firsts, lasts = 0, self._firsts, self._lasts
        for first, last in ranges:
            place = max(0, bisect_right(firsts, first) - 1)
            while place < len(firsts) and firsts[place] <= last:
                count += max(0, min(last, lasts[place]) - max(first, firsts[place]) + 1)
                place += 1
        return count

    def first_failed(self, ranges: Iterable[Range]) -> int:
        """Return the first of these tasks that did not end well, 0 for none."""
        for first, last in ranges:
            place = max(0, bisect_right(self._firsts, first) - 1)
            for at in range(place, min(place + 2, len(self._firsts))):
                start, end = max(first, self._firsts[at]), min(last, self._lasts[at])
                if start <= end:
                    return start
        return 0

    def ran(self, number: int, life: int) -> None:
        """Task `number` ended on the engine whose life has this number; 0: on none."""
        mask = self._mask
        if number > mask != _WHOLE:
            self._grow(number)
            mask = self._mask
        self._places[number & mask] = (number & _NUMBERS) << _BITS | life & _LIVES

    def _grow(self, number: int) -> None:
        size = max(_FIRST, min(PLACES, 1 << number.bit_length()))
        before, self._places, self._mask = self._places, array("Q", bytes(8 * size)), size - 1
        for entry in before:
            self._places[(entry >> _BITS) & self._mask] = entry

    def life_of(self, number: int) -> int:
        """Return the life of the engine on which task `number` ended: 0: none, -1: that is not known any more."""
        entry = self._places[number & self._mask] if self._places else 0
        return entry & _LIVES if entry >> _BITS == number & _NUMBERS else -1

    def check(self) -> None:
        """Assert that ranges are in order and apart."""
        assert all(first <= last for first, last in zip(self._firsts, self._lasts, strict=True))
        assert all(last + 1 < first for last, first in zip(self._lasts, self._firsts[1:], strict=False))
        assert all(a < b for a, b in pairwise(self._firsts))
