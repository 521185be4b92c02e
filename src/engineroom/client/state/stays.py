"""Large results that are here, and that nobody has read: calls can name them as long as the controller keeps them, too.

The client decides for how long, and tells the controller; so it always knows what it can name.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

LEAST = 1 << 20
"""From so many bytes on a result stays: to send a shorter one again takes little."""


class Stay:
    """The stay of one result: it ends with this, which its task has until the result is read."""

    __slots__ = ("_end", "_number")

    def __init__(self, number: int, end: Callable[[int], object]) -> None:
        """`end(number)`: called in any thread, even in a finalizer."""
        self._number, self._end = number, end

    def __del__(self) -> None:
        self._end(self._number)


class Stays:
    """By the numbers of their tasks: the results that calls can name, the oldest first, and those that calls have named
    whose stay is over. All these together take at most `most` bytes in the controller; 0: it keeps none."""

    def __init__(self) -> None:
        self.most = 0
        self._names: dict[int, None] = {}
        self._sizes: dict[int, int] = {}
        self._bytes = 0
        self._new: list[int] = []
        """Those of which the controller has not been told."""
        self.over: deque[int] = deque()
        """Those whose stay is over, as soon as somebody looks."""

    def __contains__(self, number: object) -> bool:
        return number in self._names

    def all(self) -> list[int]:
        """Return those that calls can name, the oldest first."""
        return list(self._names)

    def lacks(self, size: int) -> bool:
        """Whether there is no room for so many bytes now."""
        return self._bytes + size > self.most

    def add(self, number: int, size: int) -> None:
        """Let calls name this result."""
        self._names[number] = None
        self._sizes[number] = size
        self._bytes += size
        self._new.append(number)

    def end(self, number: int) -> bool:
        """Let no further call name this result; return whether they could."""
        if number not in self._names:
            return False
        del self._names[number]
        return True

    def gone(self, number: int) -> None:
        """No call needs this result: the controller need not keep it for this client."""
        self._bytes -= self._sizes.pop(number, 0)

    def needed(self) -> list[int]:
        """Return those that the controller is to keep, ascending: that calls can name, or have named."""
        return sorted(self._sizes)

    def take_new(self) -> list[int]:
        """Return, once, those of which the controller is to be told."""
        new, self._new = self._new, []
        return [number for number in new if number in self._names]
