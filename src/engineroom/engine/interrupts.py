"""Interrupting exactly the attempt that is meant.

SIGINT reaches the main thread between two of its instructions, wherever it is; only within the guarded function,
which runs the user's code, does it raise KeyboardInterrupt.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from time import monotonic
from types import CodeType, FrameType

from engineroom.engine.attempts import Attempt
from engineroom.engine.queue import TaskQueue
from engineroom.engine.task_output import Key
from engineroom.serialize.chunks.running import running_chunk

_SAME = 0.5
"""Seconds within which a signal is the one that was sent again."""


class Interrupts:
    """Turns requests, and SIGINT from outside, into KeyboardInterrupt in the running attempt."""

    def __init__(
        self,
        queue: TaskQueue,
        *,
        guarded: CodeType,
        around: CodeType | None = None,
        when_idle: Callable[[], None] = lambda: None,
    ) -> None:
        """`guarded`: the function whose caller, `around`, is ready for KeyboardInterrupt. `when_idle`: called at a
        SIGINT that finds nothing to interrupt."""
        self._when_idle = when_idle
        self._queue, self._guarded, self._around = queue, guarded, around
        self._later: set[Key] = set()
        self._main = threading.main_thread().ident or 0
        self._signal_due = self._postponing = self._postponed = False
        self._sent_again = 0.0
        self.wanted: Attempt | None = None

    def install(self) -> None:
        """Handle SIGINT from now on; in the main thread only."""
        signal.signal(signal.SIGINT, self._on_signal)

    def request(self, key: Key) -> None:
        """Interrupt the attempt `key` if it is the one that runs (from the I/O thread)."""
        attempt = self._queue.running or self._queue.runs_between
        if attempt is not None and attempt.key == key:
            self.wanted, self._signal_due = attempt, True
            signal.pthread_kill(self._main, signal.SIGINT)
        elif any(waiting.key == key for waiting in self._queue.waiting):
            self._later.add(key)  # until what it waits for, and runs in its place, has ended

    def request_again(self) -> None:
        """Send the signal again if the main thread has not acted on it (from the I/O thread, every now and then).

        A signal that comes just before a system call does not end that: a `sleep` would sleep on.
        """
        if self._signal_due:
            self._sent_again = monotonic()
            signal.pthread_kill(self._main, signal.SIGINT)

    def check(self, attempt: Attempt) -> None:
        """Raise KeyboardInterrupt if `attempt`, just entered, was to be interrupted before."""
        if self.wanted is attempt or attempt.key in self._later:
            self._later.discard(attempt.key)
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def apart(self) -> Iterator[None]:
        """Run another attempt within one that waits."""
        before = self._postponing, self._postponed
        self._postponing = self._postponed = False
        try:
            yield
        finally:
            self._postponing, self._postponed = before

    @contextlib.contextmanager
    def postponed(self) -> Iterator[None]:
        """Raise what comes meanwhile only at the end: for imports and for IPython, which may swallow it."""
        self._postponing, self._postponed = True, False
        try:
            yield
        finally:
            self._postponing = False
            self._raise_postponed()

    @contextlib.contextmanager
    def allowed(self) -> Iterator[None]:
        """Within `postponed`: raise what has come and what comes, for here the user's code runs."""
        postponing, self._postponing = self._postponing, False
        try:
            self._raise_postponed()
            yield
        finally:
            self._postponing = postponing

    def _raise_postponed(self) -> None:
        if self._postponed:
            self._postponed = False
            raise KeyboardInterrupt

    def _on_signal(self, signum: int, frame: FrameType | None) -> None:
        del signum
        running = self._queue.running or self._queue.runs_between
        requested, self._signal_due = self._signal_due, False
        if not requested and self._sent_again and monotonic() - self._sent_again < _SAME:
            self._sent_again = 0.0
            return  # the main thread had just acted on the first one
        if requested and self.wanted is not running:
            return  # it has ended meanwhile
        if running is None and not requested:
            self._when_idle()
        if not self._is_inside(frame):
            self.wanted = running  # if it is about to be entered, `check` follows
            return
        self.wanted = None
        if requested:
            # The function may catch what it is interrupted with, and a map go on.
            running_chunk.withdraw(None if running is None else running.verdict)
        if self._postponing:
            self._postponed = True
        else:
            raise KeyboardInterrupt

    def _is_inside(self, frame: FrameType | None) -> bool:
        while frame is not None:
            if frame.f_code is self._guarded:
                return True
            if frame.f_code is self._around:
                return False  # between two tasks, one of which runs within the other
            frame = frame.f_back
        return False
