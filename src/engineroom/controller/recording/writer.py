"""The thread that writes to a store that is not in memory: groups of changes, each as one.

Nobody waits for it but engines, which keep a result until its record is written. If it can't keep up, the oldest groups
are given up beyond a bound; that is said once, and noted in the store.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from engineroom.ids import TaskId
from engineroom.store.changes import Change, Missed
from engineroom.store.interface import Store
from engineroom.store.ranges import TaskSet

log = logging.getLogger(__name__)

MOST_WAITING = 200_000
MOST_WAITING_BYTES = 256 << 20
"""So many records, and so many bytes of them, may wait to be written."""

IDLE = 1.0
"""A store that fails is asked to try again so often, in seconds, while nothing else is to be written."""

_TOO_SLOW = "it is too slow for so many tasks"


class Group(NamedTuple):
    """What is written together. `make`: returns the changes; called in the thread. `last`: the number of the last end
    among them; `tasks`: returns which tasks these are, `records` of them, that take `size` bytes."""

    make: Callable[[], list[Change]]
    last: int = 0
    tasks: Callable[[], Sequence[TaskId]] = tuple
    records: int = 0
    size: int = 0


class Writer:
    """The thread, and what it has to do.

    `on_written(last, groups)`: all up to this end, and so many more groups, are written, or given up. `report(words)`:
    the store can't keep up. Both may be called in any thread. `idle`: seconds between two tries of a store that fails,
    while nothing else is to be written. `most`: so many records may wait.
    """

    def __init__(
        self,
        store: Store,
        *,
        on_written: Callable[[int, int], object],
        report: Callable[[str], object],
        idle: float = IDLE,
        most: int = MOST_WAITING,
    ) -> None:
        self._idle, self._most = idle, most
        self._store, self._on_written, self._report = store, on_written, report
        self._waiting: deque[Group] = deque()
        self._count = self._size = 0
        self._gap = TaskSet()
        """Tasks of which something was given up, and that is not written down yet."""
        self._behind = 0
        """Records that were given up since the store could not keep up; 0: it can."""
        self._change = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="engineroom-store", daemon=True)

    @property
    def trouble(self) -> str:
        """What is wrong with the store's speed, in words; "" if nothing is."""
        return f"{self._store.where}: {_TOO_SLOW}" if self._behind else ""

    def start(self) -> None:
        self._thread.start()

    def put(self, group: Group) -> None:
        """Have `group` written soon; if too much waits, the oldest groups are given up."""
        given_up: list[Group] = []
        with self._change:
            before = self._behind
            self._waiting.append(group)
            self._count += group.records
            self._size += group.size
            while (self._count > self._most or self._size > MOST_WAITING_BYTES) and len(self._waiting) > 1:
                given_up.append(self._next())
                self._gap.add(given_up[-1].tasks())
                self._behind += given_up[-1].records
            self._change.notify_all()
        if given_up:
            self._on_written(max(each.last for each in given_up), len(given_up))
            if not before and self._behind:
                self._report(f"{self.trouble}. Tasks go on; some of them are not recorded")

    def _next(self) -> Group:
        group = self._waiting.popleft()
        self._count -= group.records
        self._size -= group.size
        return group

    def close(self, seconds: float) -> None:
        """Write what waits, then end; return after `seconds` at the latest."""
        with self._change:
            self._closing = True
            self._change.notify_all()
        self._thread.join(seconds)
        if self._thread.is_alive():
            log.error("%s: not all records were written within %g s", self._store.where, seconds)

    def _run(self) -> None:
        while True:
            with self._change:
                if not self._waiting and not self._closing:
                    self._change.wait(self._idle)
                if not self._waiting and self._closing:
                    return
                groups = [self._next() for _ in range(len(self._waiting))]
            self._write(groups)

    def _write(self, groups: list[Group]) -> None:
        with self._change:
            gap, self._gap = self._gap, TaskSet()
        changes = [change for group in groups for change in _made(group)]
        changes += [Missed(tasks, time.time(), _TOO_SLOW) for tasks in gap.ranges()]
        try:
            self._store.write(changes)
        except Exception as error:
            log.exception("tasks are not recorded")
            self._report(f"{self._store.where}: {error}. Tasks go on, but are not recorded")
        if groups:
            self._on_written(max(group.last for group in groups), len(groups))
        with self._change:
            missed, self._behind = self._behind, self._behind if self._waiting else 0
        if missed and not self._behind:
            self._report(f"{self._store.where} keeps up again. Tasks that were not recorded meanwhile: {missed:,}")


def _made(group: Group) -> list[Change]:
    try:
        return group.make()
    except Exception:
        log.exception("tasks are not recorded because of an error in engineroom")
        return []
