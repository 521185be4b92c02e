"""Output of tasks: who wrote or displayed it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextvars import ContextVar

from engineroom.engine.attempts import Attempt
from engineroom.engine.published import Item
from engineroom.engine.shown import LIMIT
from engineroom.engine.task_output import TaskOutput
from engineroom.protocol.messages import Displays

STDOUT, STDERR = 1, 2
writer: ContextVar[Attempt | None] = ContextVar("writer", default=None)
"""The attempt in whose name this context writes."""


class Sink:
    """Where output goes: to the attempt that wrote it; if that has ended or is unknown, to the one that runs now;
    to the log when none does."""

    def __init__(
        self,
        *,
        limit: int,
        displays: int = LIMIT,
        log: Callable[[str], object],
        running: Callable[[], Attempt | None] = lambda: None,
        note: Callable[[str], object] | None = None,
    ) -> None:
        """`limit`: characters kept of each stream of an attempt; `displays`: bytes of what it displays. `running`:
        returns the attempt that runs now. `note`: is to be told what is printed, and so is nowhere else than here."""
        self._limit, self._displays = limit, displays
        self._log, self._running, self.note = log, running, note
        # Reentrant, because a signal handler or a finalizer may print while its thread is in here.
        self._lock = threading.RLock()

    def write(self, attempt: Attempt | None, stream: int, text: str) -> None:
        if attempt is None or attempt.ended:
            # A thread, or a callback, that an earlier task has left behind.
            attempt = self._running()
            if attempt is None or attempt.ended:
                self._log(text)
                return
        output = attempt.output
        if output is None:
            with self._lock:
                output = attempt.output = attempt.output or TaskOutput(self._limit, self._displays)
        if not output.write(stream, text):
            self._log(text)

    def show(self, kind: Displays, content: bytes, plain: str) -> None:
        """Take what the attempt that runs displays; `plain`: it as text, for the log."""
        output = self._output_here()
        if output is None or not output.show(kind, content):
            self._log(plain)

    def publish(self, items: Mapping[object, Item]) -> bool:
        """Take values that the attempt that runs publishes, packed, by their names; False: there is none."""
        output = self._output_here()
        return output is not None and output.publish(items)

    def _output_here(self) -> TaskOutput | None:
        """Return where output of this context goes: to its attempt or, after that, to the one that runs."""
        attempt = writer.get()
        if attempt is None or attempt.ended:
            attempt = self._running()
        if attempt is None or attempt.ended:
            return None
        with self._lock:
            output = attempt.output = attempt.output or TaskOutput(self._limit, self._displays)
        return output
