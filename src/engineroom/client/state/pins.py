"""Results that are arguments of calls without an end: the controller keeps them until they are acknowledged.

All of it under the session's condition: a result is an argument by its name until it has ended, or as long as it stays
(see `stays`), and from then on it is not acknowledged; otherwise by its bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from typing import TYPE_CHECKING

import msgspec

from engineroom.client.state.stays import LEAST, Stay, Stays
from engineroom.protocol.messages import Status

if TYPE_CHECKING:
    from engineroom.client.state.tasks import Request, Task
    from engineroom.protocol.streams import Payload


class Pin(msgspec.Struct, gc=False, eq=False):
    """How many calls, and payloads of calls, name the result of `task`; None: a call that was cancelled.

    `payload`: the result, once it is here and calls have named it.
    """

    task: Task | None
    count: int = 0
    payload: bytes | Payload | None = None


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
        self.made_again: dict[int, Request] = {}
        """The calls that make results once more for a controller that may have lost them."""
        self.stays = Stays()
        self.tell: Callable[[], object] = lambda: None
        """Has `keep_back` called soon; from any thread, even in a finalizer."""

    @property
    def some(self) -> bool:
        """Whether calls need any result."""
        return bool(self._pins)

    @property
    def touched(self) -> bool:
        """Whether there is, or was just now, a result that is kept back."""
        return bool(self._pins or self.free or self.stays.over)

    def hold(self, number: int, task: Task | None, count: int = 1) -> None:
        """Have `count` more calls need the result of this task."""
        pin = self._pins.get(number)
        if pin is None:
            pin = self._pins[number] = Pin(task)
        pin.count += count

    def is_here(self, number: int, payload: bytes | Payload) -> None:
        """The result of this task is `payload`: it is kept as long as calls need it."""
        pin = self._pins.get(number)
        if pin is not None and pin.count > (number in self.stays):
            pin.payload = payload

    def payload_of(self, number: int) -> bytes | Payload | None:
        """Return the result of this task, which calls need; None: it is not here."""
        pin = self._pins.get(number)
        return None if pin is None else pin.payload

    def release(self, numbers: Iterable[int]) -> None:
        """Have one call less need each of these."""
        for number in numbers:
            pin = self._pins.get(number)
            if pin is not None:
                pin.count -= 1
                if not pin.count:
                    del self._pins[number]
                    self.made_again.pop(number, None)
                    self.stays.gone(number)
                    if number in self._held:
                        self._held.discard(number)
                        self.free.append(number)

    def begin_stay(self, number: int, size: int) -> Stay | None:
        """Let calls name a result that is here now, until what is returned is gone. None: it is too short or too long.

        If there is no room, those go that have stayed for longest, and that no call needs.
        """
        stays = self.stays
        if not LEAST <= size <= stays.most:
            return None
        for oldest in stays.all() if stays.lacks(size) else ():
            if self._pins[oldest].count == 1:
                self.end_stay(oldest)
                if not stays.lacks(size):
                    break
        if stays.lacks(size):
            return None
        self.hold(number, None)
        self._pins[number].task = None  # it has not failed; and what is returned is to go with the task
        stays.add(number, size)
        return Stay(number, self._is_over)

    def _is_over(self, number: int) -> None:
        self.stays.over.append(number)
        self.tell()

    def end_stay(self, number: int) -> None:
        """Let no further call name this result."""
        if self.stays.end(number):
            self.release((number,))

    def end_stays(self, most: int) -> None:
        """Let no further call name any result that is here; from now on as many bytes may stay, for another one."""
        for number in self.stays.all():
            self.end_stay(number)
        self.stays.most = most

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
        while self.stays.over:
            self.end_stay(self.stays.over.popleft())
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
        self.tell = lambda: None
        self.stays = Stays()
        self._pins.clear()
        self.made_again.clear()
        self._held.clear()
        self._lowest.clear()
