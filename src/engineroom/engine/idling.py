"""How the main thread waits for tasks: it reads the connection itself, and takes what comes alone.

So a lone task costs this process one wake-up and not two. What the main thread does not understand it leaves to the
I/O thread, and reads again once that has taken it.
"""

from __future__ import annotations

import select
import threading
from collections.abc import Callable
from typing import Any

from engineroom.transport.bell import Bell
from engineroom.transport.reading import Reading, Turn, new_poll


def _take_nothing(messages: list[Any]) -> bool:
    del messages
    return False


class Idling:
    """What the queue's owner waits on, like a lock that others release: without a timeout, it reads meanwhile."""

    def __init__(self) -> None:
        self._take: Callable[[list[Any]], bool] = _take_nothing
        self._lock = threading.Lock()
        self._bell = Bell()
        self._poll = new_poll(self._bell.number)
        self._reading: Reading | None = None
        self._polled = -1
        self._asleep = False

    def read(self, reading: Reading | None, take: Callable[[list[Any]], bool] = _take_nothing) -> None:
        """Have the main thread read this from now on; None: nothing. From the I/O thread.

        `take(messages)`: takes what has come, in the main thread; False: the I/O thread is to take it.
        """
        self._reading, self._take = reading, take
        self._bell.ring()

    def release(self) -> None:
        """Wake the main thread, once for each time that it waits."""
        self._lock.release()
        if self._asleep:
            self._bell.ring()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:  # noqa: FBT001, FBT002 (as locks have it)
        """Wait until `release` has been called; at most `timeout` seconds, if that is not negative."""
        if self._lock.acquire(blocking=False):
            return True
        if not blocking or timeout >= 0:
            return self._lock.acquire(blocking, timeout)
        try:
            while True:
                self._asleep = True
                if self._lock.acquire(blocking=False):
                    return True
                self._wait()
        finally:
            self._asleep = False

    def _wait(self) -> None:
        """Return when something has happened."""
        reading, turn = self._reading, Turn()
        if reading is None or not reading.begin(turn, self._bell.ring):
            self._watch(-1)
            self._poll.poll()
            self._bell.hush()
            return
        self._watch(reading.descriptor)
        ready = self._poll.poll()
        if len(ready) > 1 or ready[0][0] != reading.descriptor:
            self._bell.hush()  # what has come meanwhile is read later
            reading.end(turn)
            return
        self._asleep = False
        messages = reading.receive(turn)
        if messages is not None and self._take(messages):
            turn.taken = True
        if turn.taken or not (turn.counts or turn.error):
            reading.end(turn)
        else:
            reading.leave(turn)

    def _watch(self, descriptor: int) -> None:
        """Have the bell and this be polled; -1: the bell alone."""
        if descriptor == self._polled:
            return
        if self._polled >= 0:
            self._poll.unregister(self._polled)
        if descriptor >= 0:
            self._poll.register(descriptor, select.POLLIN)
        self._polled = descriptor
