"""What is to be looked at when: the only timers that presence has, all driven by Ticks."""

from __future__ import annotations

import heapq
from enum import Enum
from itertools import count
from typing import NamedTuple


class Kind(Enum):
    """What an appointment is about."""

    ENGINE = "an engine whose connection is gone"
    AWAY = "whoever waits for an engine is to know that its connection is gone"
    HOST = "a host whose connection is gone"
    ORPHANS = "engines whose host is gone"
    LEASE = "the host that had this controller started"
    SILENCE = "links that may have fallen silent"
    ECHO = "links that have, and may answer at last"
    ENDED = "a client that is gone, whose tasks end with it"
    RECOVERY = "engines of an earlier controller that are not back"
    ATTACHES = "calls to which clients attach, and whose own clients may come back"
    RETURNS = "clients whose tasks are known from the store, and that may come back"
    FORCED = "a task that was interrupted and may go on"


class Key(NamedTuple):
    """One appointment. `who`: the instance of an engine or a host, a session or a task; b"" for none."""

    kind: Kind
    who: bytes = b""


class Agenda:
    """At most one appointment for each key, in order of time. All in O(log n)."""

    def __init__(self) -> None:
        self._at: dict[Key, tuple[float, int]] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._numbers = count()

    def put(self, key: Key, when: float) -> None:
        """Have `key` come up at `when`, and not when it was to come up before."""
        entry = when, next(self._numbers)
        self._at[key] = entry
        heapq.heappush(self._heap, (*entry, key))

    def drop(self, key: Key) -> None:
        """Have `key` not come up; no harm if it was not to."""
        self._at.pop(key, None)

    def __contains__(self, key: Key) -> bool:
        return key in self._at

    def next(self) -> float | None:
        """Return when the next appointment is; None: there is none."""
        while self._heap:
            when, number, key = self._heap[0]
            if self._at.get(key) == (when, number):
                return when
            heapq.heappop(self._heap)
        return None

    def take(self, now: float) -> Key | None:
        """Return an appointment that is due, the earliest first, and forget it; None: none is."""
        when = self.next()
        if when is None or when > now:
            return None
        key = heapq.heappop(self._heap)[2]
        del self._at[key]
        return key
