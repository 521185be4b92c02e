"""How much of results and output an engine may keep that nobody has acknowledged: beyond that it starts nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable

RESULT_BYTES = 512
"""What a kept result takes beside its payload and output."""


class Budget:
    """Counts what is kept. `full`: it is too much, until half of it is acknowledged.

    The main thread counts what it makes, the I/O thread what goes: each has a sum of its own, and no lock.
    """

    def __init__(self, limit: int, *, hold: Callable[[bool], object], tell: Callable[[], object]) -> None:
        """`hold(full)`: start nothing from now on, or go on. `tell()`: have the I/O thread look at it soon."""
        self.limit = limit
        self.full = False
        self._hold, self._tell = hold, tell
        self._made = self._gone = 0
        self._lock = threading.Lock()

    @property
    def kept(self) -> int:
        """Bytes that are kept now."""
        return self._made - self._gone

    def make(self, size: int) -> int:
        """Count a result that is to be kept, of `size` bytes with its output; return what it takes. (Main thread.)"""
        size += RESULT_BYTES
        self._made += size
        if self._made - self._gone > self.limit:
            self._look()
        return size

    def release(self, size: int) -> None:
        """Count `size` bytes that are kept no more. (I/O thread.)"""
        self._gone += size
        if self.full:
            self._look()

    def _look(self) -> None:
        with self._lock:  # the two sums may change meanwhile, but whoever changes one looks again
            full = self.kept > (self.limit // 2 if self.full else self.limit)
            if full == self.full:
                return
            self.full = full
            self._hold(full)
        self._tell()
