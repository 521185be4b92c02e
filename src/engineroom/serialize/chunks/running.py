"""The chunk of a map that runs now, so that an interrupt ends all of it, whatever the function does with that."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any


class RunningChunk:
    """`withdrawn`: whether no further item is to run. `verdict`: what the item that is interrupted fails with, None for
    what it raises itself."""

    __slots__ = ("_items", "verdict", "withdrawn")

    def __init__(self) -> None:
        self._items: Iterator[Any] | None = None
        self.withdrawn = False
        self.verdict: Exception | None = None

    def begin(self, items: Iterator[Any]) -> None:
        """Say that a chunk runs, whose items are taken from `items`."""
        self._items, self.withdrawn, self.verdict = items, False, None

    def end(self) -> None:
        """Say that nothing more is taken from the items."""
        self._items = None

    def put_aside(self) -> tuple[Iterator[Any] | None, bool, Exception | None]:
        """Return what runs, for `take_up`: something else runs meanwhile."""
        return self._items, self.withdrawn, self.verdict

    def take_up(self, chunk: tuple[Iterator[Any] | None, bool, Exception | None]) -> None:
        """Go on with what was put aside."""
        self._items, self.withdrawn, self.verdict = chunk

    def withdraw(self, verdict: Exception | None = None) -> None:
        """Have the chunk end after the current item. For signal handlers in the thread that runs it."""
        self.withdrawn, self.verdict = True, verdict
        if self._items is not None:
            deque(self._items, maxlen=0)  # whoever iterates over them finds their end


running_chunk = RunningChunk()
