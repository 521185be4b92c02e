"""Payloads of others that were passed on and came back: a history may need them for a while, or for long."""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from typing import Protocol

from engineroom.machine import open_files

AFTER = 5.0
"""Seconds after which a payload is copied that is still needed. Before that, most are needed by nobody any more."""

_MOST = 256
"""Half of the segments that a sender may have, if as many files may be open there: others are left to be written."""

_AT_ONCE = 8 << 20
"""Bytes that are copied before others have their turn."""


class Held(Protocol):
    """A payload that can be copied; False: nothing was."""

    size: int

    def keep(self) -> bool: ...


class IdlePayloads:
    """Those of one sender, up to `most` bytes: of what is beyond that, the oldest are copied at once.

    Once a payload is copied, its sender can write the memory again: it has so many segments, and not more.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, most: int) -> None:
        self._loop, self._most = loop, most
        self._most_payloads = open_files.share(16, _MOST)
        self._waiting: deque[tuple[weakref.ref[Held], int, float]] = deque()
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, payload: Held) -> None:
        """Nobody has `payload` but this process."""
        waiting = self._waiting
        waiting.append((weakref.ref(payload), payload.size, self._loop.time()))
        self._bytes += payload.size
        while waiting[0][0]() is None or len(waiting) > self._most_payloads or self._bytes > self._most:
            self._keep_first()
            if not waiting:
                return
        self._wake_after(AFTER)

    def _keep_first(self) -> int:
        """Have a copy of the oldest; return how many bytes that took."""
        reference, size, _ = self._waiting.popleft()
        self._bytes -= size
        payload = reference()
        return size if payload is not None and payload.keep() else 0

    def _keep_those_due(self) -> None:
        self._timer = None
        before, copied = self._loop.time() - AFTER, 0
        while self._waiting and self._waiting[0][2] <= before:
            if copied >= _AT_ONCE:
                self._wake_after(0.0)
                return
            copied += self._keep_first()
        if self._waiting:
            self._wake_after(self._waiting[0][2] - before)

    def _wake_after(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(seconds, self._keep_those_due)
