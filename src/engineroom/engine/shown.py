"""What an attempt displays beside its text: how much of it is kept."""

from __future__ import annotations

from collections import deque

from engineroom.protocol.messages import Displays

LIMIT = 64 * 2**20
"""Bytes that the displays of an attempt may take, unless another limit is set."""

BESIDE = 256
"""Bytes that each display takes beside its content."""


class Shown:
    """Bounds the displays of one attempt: the first ones go out at once, of the others the last are kept to the end."""

    __slots__ = ("_cut", "_head", "_limit", "_tail", "_tail_size")

    def __init__(self, limit: int = LIMIT) -> None:
        """`limit`: bytes, of the first and the last ones together."""
        self._limit = limit
        self._head = 0
        self._tail: deque[tuple[Displays, bytes]] = deque()
        self._tail_size = 0
        self._cut = 0

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        return self._head + self._tail_size

    def fits(self, kind: Displays, content: bytes) -> bool:
        """Return whether this one may go out now; otherwise it is kept, as far as there is room."""
        size = BESIDE + len(content)
        if not self._tail and not self._cut and self._head + size <= self._limit // 2:
            self._head += size
            return True
        self._tail.append((kind, content))
        self._tail_size += size
        while self._tail_size > self._limit // 2 and self._tail:
            self._tail_size -= BESIDE + len(self._tail.popleft()[1])
            self._cut += 1
        return False

    def take_rest(self) -> list[tuple[Displays, bytes]]:
        """Return, once, what is left at the end, after words that say how many are missing."""
        rest, cut = list(self._tail), self._cut
        self._tail.clear()
        if cut:
            words = b'{"data":{"text/plain":"[... %d displays were cut here ...]"},"metadata":{},"transient":{}}' % cut
            rest.insert(0, (Displays.SHOW, words))
        return rest
