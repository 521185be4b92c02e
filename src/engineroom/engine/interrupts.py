"""Interrupting exactly the attempt that is meant.

SIGINT reaches the main thread between two of its instructions, wherever it is; only within the guarded function,
which runs the user's code, does it raise KeyboardInterrupt.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import CodeType, FrameType

from engineroom.engine.attempts import Attempt, Key
from engineroom.engine.queue import TaskQueue


class Interrupts:
    """Turns requests, and SIGINT from outside, into KeyboardInterrupt in the running attempt."""

    def __init__(self, queue: TaskQueue, *, guarded: CodeType) -> None:
        """`guarded`: the function whose caller is ready for KeyboardInterrupt."""
        self._queue, self._guarded = queue, guarded
        self._main = threading.main_thread().ident or 0
        self._postponing = self._postponed = False
        self.wanted: Attempt | None = None

    def install(self) -> None:
        """Handle SIGINT from now on; in the main thread only."""
        signal.signal(signal.SIGINT, self._on_signal)

    def request(self, key: Key) -> None:
        """Interrupt the attempt `key` if it is the one that runs (from the I/O thread)."""
        attempt = self._queue.running
        if attempt is not None and attempt.key == key:
            self.wanted = attempt
            signal.pthread_kill(self._main, signal.SIGINT)

    def check(self, attempt: Attempt) -> None:
        """Raise KeyboardInterrupt if `attempt`, just entered, was to be interrupted before."""
        if self.wanted is attempt:
            raise KeyboardInterrupt  # and let `wanted` stay: its signal may be still to come

    @contextlib.contextmanager
    def postponed(self) -> Iterator[None]:
        """Raise what comes meanwhile only at the end: for imports, which tend to swallow it."""
        self._postponing = True
        try:
            yield
        finally:
            self._postponing = False
            if self._postponed:
                self._postponed = False
                raise KeyboardInterrupt

    def _on_signal(self, signum: int, frame: FrameType | None) -> None:
        del signum
        running, wanted = self._queue.running, self.wanted
        inside = self._is_inside(frame)
        if wanted is not None:
            if wanted is running and not inside:
                return  # it is about to be entered: `check` follows
            self.wanted = None
            if wanted is not running:
                return
        if inside and self._postponing:
            self._postponed = True
        elif inside:
            raise KeyboardInterrupt

    def _is_inside(self, frame: FrameType | None) -> bool:
        while frame is not None:
            if frame.f_code is self._guarded:
                return True
            frame = frame.f_back
        return False
