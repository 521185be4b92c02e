"""Bounds the files in memory to which an engine, and what its tasks have started, write.

The engine reads and empties them while a task runs. What a process writes that a task has left behind, while the engine
is idle, or C code that keeps the interpreter's lock, would fill the memory. So the process that has the files as well
takes the middle out of what has become too long: the engine, which shows head and tail, would cut it anyway.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from engineroom.engine.last_words import LastWords

MOST = 16 << 20
"""Bytes of memory that a file may take."""

SECONDS = 0.25
"""How often they are looked at..."""

AGAIN = 0.02
"""... and while one of them grows fast."""

_HALF = 4 << 20
"""Bytes that stay at either end: more than the engine shows."""

_BLOCK = 512
_KEEP_SIZE, _PUNCH_HOLE = 0x01, 0x02


def cut(words: LastWords) -> bool:
    """Take the middle out of the files of an engine that have become too long; return whether there were any."""
    found = False
    for file, read in zip(words.files, words.read_up_to(), strict=True):
        status = os.fstat(file)
        if status.st_blocks * _BLOCK > MOST:
            start, end = read + _HALF, status.st_size - _HALF
            if end > start:
                punch(file, start, end - start)
            found = True
    return found


class Watch:
    """When the files of some engines are to be looked at next. `due`: by the monotonic clock."""

    def __init__(self) -> None:
        self.due = 0.0

    def look(self, engines: Iterable[LastWords], now: float) -> None:
        """Cut what has become too long, if it is time to look."""
        if now >= self.due:
            grown = [cut(words) for words in engines]
            self.due = now + (AGAIN if any(grown) else SECONDS)


def punch(file: int, start: int, size: int) -> None:
    """Give back the memory of these bytes; unlike a truncation, this loses nothing written meanwhile."""
    import ctypes  # only in what starts engines, and there where it is needed

    libc = ctypes.CDLL(None)
    libc.fallocate(file, _KEEP_SIZE | _PUNCH_HOLE, ctypes.c_int64(start), ctypes.c_int64(size))
