"""Room for more unfinished tasks: submitting waits for it, except where a wait would keep it from ever coming."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from types import FrameType

_COROUTINE = 0x80 | 0x200
"""Flags of the code of coroutines and of asynchronous generators (`inspect.CO_COROUTINE`, `CO_ASYNC_GENERATOR`)."""

_OF_CELLS = "IPython.core.interactiveshell"
"""The module that runs cells: in Jupyter, the kernel's event loop runs around each of them."""


def would_stop_a_loop() -> bool:
    """Whether the caller is a coroutine or a callback of an event loop, which a wait would stop.

    A plain statement of a notebook's cell is neither, although the kernel's loop runs around it: it waits, as in a
    script.
    """
    if asyncio._get_running_loop() is None:
        return False
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get("__name__") == _OF_CELLS:
            return False
        if frame.f_code.co_flags & _COROUTINE:
            return True
        frame = frame.f_back
    return True


class Room:
    """How many bytes unfinished tasks hold, and who waits until they hold less."""

    def __init__(self, most: int, submitted: Callable[[], int]) -> None:
        """`most`: the bound, in bytes; `submitted()`: the bytes of all tasks so far, ended or not."""
        self.most = most
        self.released = 0
        self._submitted = submitted
        self._watchers: list[Callable[[], object]] = []

    def has(self, size: int) -> bool:
        """Whether `size` bytes more may be submitted; one task at a time may be larger than the bound."""
        unfinished = self._submitted() - self.released
        return unfinished <= 0 or unfinished + size <= self.most

    def release(self, size: int) -> None:
        """Tasks that held `size` bytes have ended. In the I/O thread."""
        self.released += size
        if self._watchers:
            self.tell()

    def tell(self) -> None:
        """Have everybody who waits look again."""
        for look in tuple(self._watchers):
            look()

    async def wait(self, size: int, over: Callable[[], bool]) -> None:
        """Return when there is room for `size` bytes, or when `over()`."""
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()

        def look() -> None:
            loop.call_soon_threadsafe(changed.set)

        self._watchers.append(look)
        try:
            while not self.has(size) and not over():
                await changed.wait()
                changed.clear()
        finally:
            self._watchers.remove(look)
