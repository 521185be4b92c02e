"""What the comms of an attempt say, at a rate that its client can follow: a progress bar may go on for days."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from engineroom.protocol.messages import COMMS, Display, Displays, Output

BURST = 2 * 2**20
"""Bytes that may go out at once, and that are kept to be said again after a lost connection."""

MOST_WAITING = 16 * 2**20
"""Bytes that may wait."""

RATE = 256 * 2**10
"""Bytes that may go out in a second after that."""

BESIDE = 256
"""Bytes that each message takes beside its content."""


class CommFlow:
    """Messages of comms, in order: what is too much waits; of what waits, the oldest is forgotten."""

    __slots__ = ("_at", "_clock", "_room", "_waiting", "_waiting_size")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._at, self._room = clock, clock(), float(BURST)
        self._waiting: deque[tuple[Displays, bytes]] = deque()
        self._waiting_size = 0

    def fits(self, kind: Displays, content: bytes) -> bool:
        """Return whether this one may go out now; otherwise it waits."""
        size = BESIDE + len(content)
        if not self._waiting and self._has_room(size):
            return True
        self._waiting.append((kind, content))
        self._waiting_size += size
        while self._waiting_size > MOST_WAITING and len(self._waiting) > 1:
            self._waiting_size -= BESIDE + len(self._waiting.popleft()[1])
        return False

    def take(self, *, end: bool) -> list[tuple[Displays, bytes]]:
        """Return what waits and may go out now; at the `end` all of it."""
        taken = []
        while self._waiting and (end or self._has_room(BESIDE + len(self._waiting[0][1]))):
            taken.append(self._waiting.popleft())
            self._waiting_size -= BESIDE + len(taken[-1][1])
        return taken

    def _has_room(self, size: int) -> bool:
        now = self._clock()
        self._room = min(float(BURST), self._room + (now - self._at) * RATE)
        self._at = now
        if self._room < min(size, BURST):  # a large one goes after a while without others
            return False
        self._room = max(0.0, self._room - size)
        return True


def without_old_comms(said: list[Output | Display]) -> tuple[list[Output | Display], int]:
    """Return what is kept of the messages that have gone out, in case the connection is lost with the last of them.

    That is all but the older half of what comms have said; and the bytes of the other half.
    """
    size, kept = 0, []
    for message in reversed(said):
        if isinstance(message, Display) and message.kind in COMMS:
            own = BESIDE + len(message.content)
            if size + own > BURST // 2:
                continue
            size += own
        kept.append(message)
    return kept[::-1], size
