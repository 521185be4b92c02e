"""The wait for a map: its chunks are unpacked as they arrive, while engines are busy with others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from engineroom.client.waiting.waits import Deadline, Waiter

if TYPE_CHECKING:
    from engineroom.client.state.tasks import Task


class Waited(Protocol):
    """What is waited for."""

    def done(self) -> bool: ...


class Opening(Waiter):
    """Unpacks what has arrived whenever it is woken, in the thread that waits; the wait is over once all has ended.

    `arrived`: the tasks that have ended; it grows.
    """

    at_each_end = True
    __slots__ = ("_arrived", "_of", "_opened")

    def __init__(self, of: Waited, arrived: Sequence[Task]) -> None:
        super().__init__()
        self._of, self._arrived = of, arrived
        self._opened = 0

    def wait(self, timeout: float | None = None) -> bool:
        deadline = Deadline(timeout)
        while super().wait(deadline.left()):
            while not self._of.done():
                if self._opened == len(self._arrived):
                    break
                self._arrived[self._opened].items()
                self._opened += 1
            else:
                return True
        return False
