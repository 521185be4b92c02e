"""Results that are arguments of calls without an end: the controller keeps them until they are acknowledged.

All of it under the session's condition: a result that has ended is an argument by its bytes, one that has not is one by
its name, and from then on it is not acknowledged.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush
from typing import TYPE_CHECKING

import msgspec

from engineroom.protocol.messages import Status

if TYPE_CHECKING:
    from engineroom.client.state.tasks import Task


class Pin(msgspec.Struct, gc=False, eq=False):
    """How many calls, and payloads of calls, name the result of `task`; None: a call that was cancelled."""

    task: Task | None
    count: int = 0


class Pins:
    """By number: the tasks whose results are arguments of others."""

    def __init__(self) -> None:
        self._pins: dict[int, Pin] = {}
        self._held: set[int] = set()
        """Those of them that have ended: their results are to be acknowledged when they are needed no more."""
        self._lowest: list[int] = []
        """Heap of these, and of some that are not held any more."""
        self.free: list[int] = []
        """Those that were held, and may be acknowledged now."""

    @property
    def touched(self) -> bool:
        """Whether there is, or was just now, a result that is kept back."""
        return bool(self._pins or self.free)

    def hold(self, number: int, task: Task | None, count: int = 1) -> None:
        """Have `count` more calls need the result of this task."""
        pin = self._pins.get(number)
        if pin is None:
            pin = self._pins[number] = Pin(task)
        pin.count += count

    def release(self, numbers: Iterable[int]) -> None:
        """Have one call less need each of these."""
        for number in numbers:
            pin = self._pins.get(number)
            if pin is not None:
                pin.count -= 1
                if not pin.count:
                    del self._pins[number]
                    if number in self._held:
                        self._held.discard(number)
                        self.free.append(number)

    def first_failed(self, numbers: Iterable[int]) -> Task | None:
        """Return the task that failed because of which others did that need these: the first of a chain."""
        for number in numbers:
            pin = self._pins.get(number)
            task = None if pin is None else pin.task
            if task is None or task.outcome is None or task.outcome.status == Status.OK:
                continue
            return task.cause or task
        return None

    def keep_back(self, numbers: list[int]) -> list[int]:
        """Return those of `numbers`, which have ended, that may be acknowledged, and those that now may be."""
        free, self.free = self.free, []
        for number in numbers:
            if number in self._pins:
                if number not in self._held:
                    self._held.add(number)
                    heappush(self._lowest, number)
            else:
                free.append(number)
        return free

    def below(self, number: int) -> int:
        """Return `number`, or the highest one below the first that is kept back."""
        while self._lowest and self._lowest[0] not in self._held:
            heappop(self._lowest)
        return min(number, self._lowest[0] - 1) if self._lowest else number

    def clear(self) -> None:
        """Forget all of them: the session has ended."""
        self._pins.clear()
        self._held.clear()
        self._lowest.clear()
