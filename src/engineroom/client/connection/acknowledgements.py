"""Telling the controller, in batches, which results have arrived for good."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from engineroom.protocol.messages import Delivered

BATCH = 1000
"""So many results are acknowledged at once; fewer wait for company."""


class Acknowledgements:
    """The numbers of results not yet acknowledged.

    `first_unfinished()` returns the number below which every task has ended: no set of all numbers ever
    received is needed.
    """

    def __init__(self, first_unfinished: Callable[[], int]) -> None:
        self._first_unfinished = first_unfinished
        self._untold: list[int] = []

    def __bool__(self) -> bool:
        return bool(self._untold)

    @property
    def full(self) -> bool:
        return len(self._untold) >= BATCH

    def add(self, number: int) -> None:
        self._untold.append(number)

    def add_all(self, numbers: Iterable[int]) -> None:
        self._untold.extend(numbers)

    def take(self) -> list[Delivered]:
        """Return the messages, seldom more than one, that acknowledge all of them."""
        untold, self._untold = self._untold, []
        return Delivered.of(self._first_unfinished() - 1, untold)
