"""The end of the terminal, where one thing at a time shows its progress."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

_LONGEST = 0.2
"""Seconds that others may hold the screen: whoever writes to a terminal that stands still does so for ever."""


class OnScreen(Protocol):
    """What is shown at the end of the terminal."""

    def clear(self) -> None:
        """Take away what is shown, for others to write there; it may be shown again."""


class Screen:
    """Who shows something at the end of the terminal. A process has one terminal, whatever clients it has."""

    def __init__(self) -> None:
        self._process, self._lock = os.getpid(), threading.RLock()
        self._shown: OnScreen | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """A context in which nobody else writes there."""
        if self._process != os.getpid():  # a fork has a copy of what its parent's threads show and hold
            self._process, self._lock, self._shown = os.getpid(), threading.RLock(), None
        lock = self._lock
        taken = lock.acquire(timeout=_LONGEST)
        try:
            yield
        finally:
            if taken:
                lock.release()

    def take(self, display: OnScreen) -> bool:
        """Have `display` be what is shown; False: something else is."""
        self._shown = self._shown or display
        return self._shown is display

    def leave(self, display: OnScreen) -> None:
        """Let others show something in place of `display`."""
        if self._shown is display:
            self._shown = None

    @contextmanager
    def aside(self) -> Iterator[None]:
        """A context in which what is shown is out of the way of what is written."""
        with self.held():
            if self._shown is not None:
                self._shown.clear()
            yield


screen = Screen()
aside = screen.aside
"""Write to the terminal within `with aside():`, and no progress bar is in the way."""
