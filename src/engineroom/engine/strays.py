"""What tasks left running when their engine ended, in the process that has become its parent: the spawner.

Of children nobody else waits for, so their numbers can't become those of other processes before we have looked.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping

from engineroom.machine.left_behind import GRACE, children_of, is_to_stay, mark_on, session_of
from engineroom.machine.processes import start_time

_MOMENT = 0.1
"""Seconds after which what had no mark is looked at again, once."""


class Strays:
    """Orphans of engines: those of engines that live are left alone, those of others are ended."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._deadlines: dict[int, tuple[float, int]] = {}
        self._family: dict[int, str | None] = {}
        self._given_up: set[int] = set()
        self._unmarked: set[int] = set()
        self._again: float | None = None

    @property
    def deadline(self) -> float | None:
        """When to call `end_overdue` and `look`, None if nothing is being ended."""
        times = [when for when, _ in self._deadlines.values()]
        return min([*times, *([] if self._again is None else [self._again])], default=None)

    def remember(self, pid: int) -> None:
        """Note all descendants of a process that is about to be ended: what has no mark is known by that."""
        for each in descendants(pid):
            self._family[each] = start_time(each)

    def forget(self, pid: int) -> None:
        """Take note that a child has been waited for."""
        self._deadlines.pop(pid, None)
        self._given_up.discard(pid)
        self._unmarked.discard(pid)
        self._family.pop(pid, None)

    def look(self, engines: Mapping[int, str], *, ending: bool) -> None:
        """Begin to end what engines that have ended left. `engines`: marks of those that live, by pid; `ending`: with
        the last engine, everything ends."""
        self._again = None
        known = engines.keys() | self._deadlines.keys() | self._given_up
        for pid in children_of(os.getpid()):
            if pid not in known and self._is_left(pid, engines, everything=ending and not engines):
                self.remember(pid)
                self._signal(pid, signal.SIGTERM)
        if self._family and not self._deadlines:
            self._family = {pid: since for pid, since in self._family.items() if start_time(pid) == since is not None}

    def end_overdue(self) -> None:
        """Kill what has not ended in time; give up what can't be killed."""
        now = self._clock()
        for pid, (when, signum) in tuple(self._deadlines.items()):
            if when <= now and signum == signal.SIGKILL:
                del self._deadlines[pid]
                self._given_up.add(pid)
            elif when <= now:
                self._signal(pid, signal.SIGKILL)

    def _signal(self, pid: int, signum: int) -> None:
        self._deadlines[pid] = (self._clock() + GRACE, signum)
        with contextlib.suppress(OSError):  # it has become somebody else's
            os.kill(pid, signum)

    def _is_left(self, pid: int, engines: Mapping[int, str], *, everything: bool) -> bool:
        session = session_of(pid)
        if not session or session in engines:
            return False  # it has ended, or is an orphan of an engine that lives
        if everything:
            return not is_to_stay(pid)
        mark = mark_on(pid)
        if mark:
            return mark not in engines.values()
        if pid not in self._unmarked:
            # One that is about to become another program shows no environment for a moment.
            self._unmarked.add(pid)
            self._again = self._clock() + _MOMENT
        since = self._family.get(pid)
        return since is not None and since == start_time(pid) and not is_to_stay(pid)


def descendants(pid: int) -> Iterator[int]:
    """Yield the children of a process, their children and so on."""
    found = [pid]
    for each in found:
        found += children_of(each)
    yield from found[1:]
