"""Wakes a thread that waits in `poll`, or an event loop: from any thread, and from handlers of signals."""

from __future__ import annotations

import io
import os
from functools import partial

_ONE, _COUNT = (1).to_bytes(8, "little"), 8


class _Kept(io.FileIO):
    """A file that is closed when nobody has it any more: a number that is used again is never written to."""

    def __del__(self) -> None:
        self.close()


class Bell:
    """What has rung stays readable until it is `hushed`. Rings that nobody has heard are one."""

    __slots__ = ("_file", "number", "ring")

    def __init__(self) -> None:
        self._file = _Kept(os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC), "r+b")
        self.number = self._file.fileno()
        """Its descriptor, for `poll`."""
        self.ring = partial(self._file.write, _ONE)
        """Makes it readable, without a bytecode: no handler of a signal comes in between."""

    def hush(self) -> None:
        """Let it not be readable until it rings again."""
        self._file.read(_COUNT)
