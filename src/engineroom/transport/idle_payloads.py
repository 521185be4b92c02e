"""Payloads of others that were passed on and came back: a history may need them for a while, or for long."""

from __future__ import annotations

import asyncio
import math
import weakref
from collections import deque
from typing import Protocol

from engineroom.machine import open_files

AFTER = 5.0
"""Seconds after which a payload is copied that is still needed. Before that, most are needed by nobody any more."""

_MOST = 256
"""Half of the segments that a sender may have, if as many files may be open there: others are left to be written."""

LITTLE = 4 << 20
"""Up to this size a payload that is kept for long is copied, so that its sender can write the memory again."""

_AT_ONCE = 8 << 20
"""Bytes that are copied before others have their turn."""


class Held(Protocol):
    """A payload that can be copied; False: nothing was."""

    size: int

    def keep(self) -> bool: ...


class _Queue:
    """Payloads in the order in which they came back, each with its size, and when that was."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[weakref.ref[Held], int, float]] = deque()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def since(self) -> float:
        """When the first one came back; for ever if there is none."""
        return self._waiting[0][2] if self._waiting else math.inf

    def add(self, payload: Held, now: float) -> None:
        self._waiting.append((weakref.ref(payload), payload.size, now))
        self.bytes += payload.size

    def drop_dead(self) -> None:
        """Forget those at the front that nobody needs."""
        while self._waiting and self._waiting[0][0]() is None:
            self.bytes -= self._waiting.popleft()[1]

    def keep_first(self) -> int:
        """Have a copy of the first one; return how many bytes that took."""
        reference, size, _ = self._waiting.popleft()
        self.bytes -= size
        payload = reference()
        return size if payload is not None and payload.keep() else 0


class IdlePayloads:
    """Those of one sender, up to `most` bytes: of what is beyond that, the oldest are copied at once.

    Once a payload is copied, its sender can write the memory again: it has so many segments, and not more. A large one
    is copied only if there is too much, for it takes a while.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, most: int) -> None:
        self._loop, self._most = loop, most
        self._most_payloads = open_files.share(16, _MOST)
        self._little, self._large = _Queue(), _Queue()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, payload: Held) -> None:
        """Nobody has `payload` but this process."""
        little, large = self._little, self._large
        (little if payload.size <= LITTLE else large).add(payload, self._loop.time())
        little.drop_dead()
        large.drop_dead()
        while len(little) > self._most_payloads or little.bytes + large.bytes > self._most:
            many = len(little) > self._most_payloads
            (little if many or little.since <= large.since else large).keep_first()
        if len(little):
            self._wake_after(AFTER)

    def _keep_those_due(self) -> None:
        self._timer = None
        before, copied, little = self._loop.time() - AFTER, 0, self._little
        while little.since <= before:
            if copied >= _AT_ONCE:
                self._wake_after(0.0)
                return
            copied += little.keep_first()
        if len(little):
            self._wake_after(little.since - before)

    def _wake_after(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(seconds, self._keep_those_due)
