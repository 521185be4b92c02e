"""Telling the controller, in batches, which results have arrived for good, and which of them are to stay there."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from engineroom.client.state.pins import Pins
from engineroom.protocol.messages import Delivered, Staying
from engineroom.protocol.task_ranges import pieces

BATCH = 1000
"""So many results are acknowledged at once; fewer wait for company."""


class Acknowledgements:
    """The numbers of results not yet acknowledged.

    `first_unfinished()` returns the number below which every task has ended: no set of all numbers ever
    received is needed.
    """

    def __init__(self, first_unfinished: Callable[[], int], pins: Pins | None = None) -> None:
        """`pins`: the results that are arguments of unfinished calls, which are acknowledged after these."""
        self._first_unfinished = first_unfinished
        self._untold: list[int] = []
        self._pins = pins or Pins()

    def __bool__(self) -> bool:
        return bool(self._untold or self._pins.free or self._pins.stays.over)

    @property
    def full(self) -> bool:
        return len(self._untold) >= BATCH

    def add(self, number: int) -> None:
        self._untold.append(number)

    def add_all(self, numbers: Iterable[int]) -> None:
        self._untold.extend(numbers)

    def take(self) -> list[Delivered | Staying]:
        """Return the messages, seldom more than one, that acknowledge all of them. The session's condition is held."""
        untold, self._untold = self._untold, []
        up_to, staying = self._first_unfinished() - 1, list[Staying]()
        if self._pins.touched:
            untold = self._pins.keep_back(untold)
            up_to = self._pins.below(up_to)
            staying = [Staying(results) for results in pieces(self._pins.stays.take_new())]
        return [*staying, *Delivered.of(up_to, untold)]
