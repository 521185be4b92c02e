"""How much memory this process takes, and what becomes of a task that makes it too much."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from engineroom.engine.attempts import Attempt
from engineroom.engine.interrupts import Interrupts
from engineroom.machine.memory import give_back

_GRACE = 1.0
"""Seconds that an interrupted task has to end, if the engine grows no further..."""
_TOO_MUCH = 1.25
"""... and at so many times the limit it has no time left."""

_STATM = Path("/proc/self/statm")


class MemoryLimit:
    """Ends what runs while this process takes more than `limit` bytes: by an interrupt, else with the engine.

    In the I/O thread only. `end(attempt, error)`: say that `attempt` failed with `error`, and end this process.
    """

    def __init__(self, limit: int, interrupts: Interrupts, end: Callable[[Attempt, MemoryError], object]) -> None:
        self._limit, self._interrupts, self._end = limit, interrupts, end
        self._over: Attempt | None = None
        self._since = 0.0

    def look(self, attempt: Attempt) -> None:
        """See what this process takes while `attempt` runs."""
        size = resident_bytes()
        if size <= self._limit:
            return
        if self._over is not attempt:
            give_back()  # what earlier tasks have left may be all that is too much
            size = resident_bytes()
            if size > self._limit:
                self._over, self._since = attempt, monotonic()
                attempt.verdict = MemoryError(self._words(size))
                self._interrupts.request(attempt.key)
        elif size > _TOO_MUCH * self._limit or monotonic() - self._since > _GRACE:
            self._end(attempt, MemoryError(f"{self._words(size)}. It was interrupted in vain, so the engine was ended"))

    def _words(self, size: int) -> str:
        return (
            f"the engine took {size / 2**20:,.0f} MiB while this task ran, and its limit is {self._limit / 2**20:,.0f} "
            "MiB (IPEngine.memory_limit)"
        )


def resident_bytes() -> int:
    """Return the bytes of memory that this process takes."""
    if sys.platform == "linux":
        return int(_STATM.read_bytes().split()[1]) * os.sysconf("SC_PAGESIZE")
    import psutil  # only there

    return int(psutil.Process().memory_info().rss)
