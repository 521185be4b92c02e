"""When a launcher is asked for the status of what it has started: often at first, and at once when there is news."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

SOON, LATER = 1.0, 30.0
"""Seconds between two polls: for the first `LATER` seconds, and then."""


class Started(Protocol):
    """What was started. `began`: when."""

    began: float


class Polls:
    """One poll at a time, about everything that is watched."""

    def __init__(self) -> None:
        self._next = float("-inf")
        self._asking = self._once_more = False

    def ask_now(self) -> None:
        """Have a poll begin at once, or as soon as the one that goes on is over."""
        self._next, self._once_more = float("-inf"), True

    def due(self, watched: Sequence[Started]) -> float | None:
        """Return when the next poll is to begin; None: not yet known."""
        return self._next if watched and not self._asking else None

    def begin(self, watched: Sequence[Started], now: float) -> bool:
        """Return whether a poll is to begin now; it has, then."""
        if self._asking or not watched or now < self._next:
            return False
        self._asking, self._once_more = True, False
        return True

    def over(self, watched: Sequence[Started], now: float) -> None:
        """A poll is over."""
        self._asking = False
        young = any(now - each.began < LATER for each in watched)
        self._next = now if self._once_more else now + (SOON if young else LATER)
