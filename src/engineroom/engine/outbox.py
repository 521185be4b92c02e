"""From the main thread to the I/O thread: results and wishes, with one wake-up for many."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

import msgspec

from engineroom.engine.attempts import Attempt, Ended
from engineroom.protocol.messages import Finished

_LONGEST_DELAY = 0.001
"""Seconds for which a result may wait for others, so that one wake-up serves them all."""


class MissingHere:
    """The main thread lacks the function of an attempt, or a part of that: what has this hash."""

    __slots__ = ("attempt", "hash")

    def __init__(self, attempt: Attempt, digest: bytes) -> None:
        self.attempt, self.hash = attempt, digest


class Announcement:
    """The main thread waits until Started of this attempt is on its way."""

    __slots__ = ("_said", "attempt")

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self._said = threading.Lock()
        self._said.acquire()

    def wait(self) -> None:
        self._said.acquire()

    def said(self) -> None:
        self._said.release()


class Waiting(msgspec.Struct, gc=False, eq=False):
    """An attempt waits for tasks of its own or, unless `waits`, goes on."""

    attempt: Attempt
    waits: bool


class Said(msgspec.Struct, gc=False, eq=False):
    """A result that has been sent already; it is only to be kept until it is delivered."""

    result: Ended


class Refusal(msgspec.Struct, gc=False, eq=False):
    """An attempt has found that this engine is none for its task; `words`: why."""

    attempt: Attempt
    words: str


Item = Ended | Said | MissingHere | Announcement | Waiting | Refusal


class Outbox:
    """What the main thread has for the I/O thread, in order."""

    def __init__(self, wake: Callable[[], object]) -> None:
        """`wake`: has the I/O thread call `take` soon; safe from any thread."""
        self._wake = wake
        self.write_now: Callable[[Finished], bool] | None = None
        """Sends a lone result past the I/O thread, if it can; None while there is no connection."""
        self._items: deque[Item] = deque()
        self._said: deque[Said] = deque()
        self._waking = False
        self._woken_at = 0.0

    def ended(self, result: Ended, now: float) -> None:
        """Take a result at monotonic time `now`; it waits for others, but not for long."""
        self._items.append(result)
        if now - self._woken_at > _LONGEST_DELAY:
            self._woken_at = now
            self._wake_once()

    def ended_alone(self, result: Ended) -> bool:
        """Send a result at once, past the I/O thread; False if that can't be done, and nothing was."""
        write_now = self.write_now
        if write_now is None or self._items or result.output is not None or not write_now(result.message):
            return False
        self._said.append(Said(result))  # wakes nobody: there is nothing to be done
        return True

    def function_missing(self, attempt: Attempt, digest: bytes) -> None:
        self._items.append(MissingHere(attempt, digest))
        self._wake_once()

    def refused(self, attempt: Attempt, words: str) -> None:
        self._items.append(Refusal(attempt, words))
        self._wake_once()

    def announce(self, attempt: Attempt) -> None:
        """Return when Started of `attempt` has been written to the socket."""
        announcement = Announcement(attempt)
        self._items.append(announcement)
        self._wake_once()
        announcement.wait()

    def waits(self, attempt: Attempt, *, waits: bool) -> None:
        """Say that an attempt waits for tasks of its own, or goes on."""
        self._items.append(Waiting(attempt, waits))
        self._wake_once()

    def flush(self) -> None:
        """Have everything taken now: the main thread has nothing more to do."""
        if self._items:
            self._woken_at = time.monotonic()
            self._wake_once()

    def take(self) -> list[Item]:
        """Return everything that waits (for the I/O thread)."""
        self._waking = False  # first: what comes later wakes again
        items: list[Item] = []
        while self._said:
            items.append(self._said.popleft())
        while self._items:
            items.append(self._items.popleft())
        return items

    def _wake_once(self) -> None:
        if not self._waking:
            self._waking = True
            self._wake()
