"""Which tasks did not end well: a controller that was started since does not know, and others may depend on them."""

from __future__ import annotations

from engineroom.protocol.task_ranges import MOST_RANGES, Range, Ranges, ranges_of, tidy

_UNSORTED = 1000


class Failures:
    """The numbers of tasks that did not end well, as ranges: the last ones, if they are many."""

    def __init__(self) -> None:
        self._ranges: list[Range] = []
        self._recent: list[int] = []

    def note(self, number: int) -> None:
        """Task `number` did not end well. For the I/O thread."""
        self._recent.append(number)
        if len(self._recent) >= _UNSORTED:
            self._tidy()

    def ranges(self) -> Ranges:
        """Return all that is remembered."""
        self._tidy()
        return tuple(self._ranges)

    def _tidy(self) -> None:
        self._ranges = tidy([*self._ranges, *ranges_of(self._recent)])[-MOST_RANGES:]
        self._recent.clear()
