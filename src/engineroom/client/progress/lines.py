"""Progress where nothing can be written over: a line now and then."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TextIO

from engineroom.client.progress.screen import screen
from engineroom.client.progress.standing import Standing
from engineroom.machine.standard_streams import UNUSABLE, write

_SHORTEST, _LONGEST, _PART = 1.0, 60.0, 0.1
"""Seconds between two lines: a part of the time that has passed, within bounds."""

_STANDS_STILL = 6
"""So many times longer where nothing has changed but the time."""

_NUMBER = re.compile(r"[0-9][0-9.,]*")


class Lines:
    """Writes a line for the beginning, the end, and in between the more seldom the longer it lasts."""

    def __init__(self, stream: TextIO | None, *, lasting: bool, clock: Callable[[], float] = time.monotonic) -> None:
        """`lasting`: the end has a line, too."""
        self._stream, self.lasting, self._clock = stream, lasting, clock
        self._said: tuple[object, str] | None = None
        self._at, self._line = 0.0, ""

    def show(self, standing: Standing) -> None:
        now, key = self._clock(), (standing.counts[:2], _NUMBER.sub("#", standing.words))
        gap = min(_LONGEST, max(_SHORTEST, _PART * standing.seconds))
        if self._said is not None and now - self._at < gap * (_STANDS_STILL if key == self._said else 1):
            return
        self._said, self._at = key, now
        self._say(standing)

    def clear(self) -> None:
        """Nothing is in the way of others."""

    def end(self, standing: Standing) -> None:
        if self.lasting or (self._said is not None and not standing.lone):
            self._say(standing)

    def _say(self, standing: Standing) -> None:
        line = str(standing)
        if line == self._line:
            return
        self._line = line
        try:
            with screen.held():
                write(self._stream, f"{line}\n")
        except UNUSABLE:  # nobody reads it; the wait goes on
            self._stream = None
