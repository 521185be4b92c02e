"""Wakes a thread that waits in `poll`, or an event loop: from any thread, and from handlers of signals."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import partial

_ONE, _COUNT = (1).to_bytes(8, "little"), 8


class Bell:
    """What has rung stays readable until it is `hushed`. Rings that nobody has heard are one."""

    __slots__ = ("_file", "number", "strike")

    def __init__(self) -> None:
        # A file and not a number: once it is closed, nothing is written to what has the number then.
        self._file = open(os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC), "r+b", buffering=0)  # noqa: SIM115
        self.number = self._file.fileno()
        """Its descriptor, for `poll`; once it is closed, that of nothing or of something else."""
        self.strike = partial(self._file.write, _ONE)
        """Rings without a bytecode, so that no handler of a signal comes in between. ValueError: it is closed."""

    def ring(self) -> None:
        """Make it readable; nothing happens once it is closed."""
        with suppress(ValueError):
            self.strike()

    def hush(self) -> None:
        """Let it not be readable until it rings again."""
        with suppress(ValueError):  # it is closed
            self._file.read(_COUNT)

    def close(self) -> None:
        self._file.close()
