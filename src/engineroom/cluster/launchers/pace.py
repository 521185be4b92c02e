"""How often launchers are asked for the status of what they have started: often at first, and at once if told to."""

from __future__ import annotations

from collections.abc import Iterable

SOON, LATER = 1.0, 30.0
"""Seconds between two questions: for the first `LATER` seconds of what is watched, and then."""


class Pace:
    """When to ask next. `soon`, `later`: as the constants."""

    def __init__(self, *, soon: float = SOON, later: float = LATER) -> None:
        self._soon, self._later = soon, later
        self._next = float("-inf")

    @property
    def next(self) -> float:
        return self._next

    def hurry(self) -> None:
        """Ask at the next opportunity."""
        self._next = float("-inf")

    def asked(self, now: float, began: Iterable[float]) -> None:
        """It is asked now, about what began at these times."""
        young = any(now - each < self._later for each in began)
        self._next = now + (self._soon if young else self._later)
