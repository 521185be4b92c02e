"""Records on disk, or in a database: a thread writes them in groups, and nobody waits for it but engines.

An engine keeps a result until its record is written. Whoever ends soon is written once, at its end; of a task that goes
on, it is written that it was submitted, and where it was started. A store that can't keep up, or fails, is told of
once; the oldest records are given up beyond a bound, and what has been given up is written down later.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import chain, repeat
from typing import NamedTuple

from engineroom.ids import TaskId
from engineroom.store.changes import Change, Missed
from engineroom.store.interface import Store
from engineroom.store.ranges import TaskSet

log = logging.getLogger(__name__)

MOST_WAITING = 200_000
MOST_WAITING_BYTES = 256 << 20
"""So many records, and so many bytes of them, may wait to be written; beyond that, the oldest ones are given up."""

PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds until a store that has failed is tried again: the last one for ever."""


class Group(NamedTuple):
    """What is written together. `make`: returns the changes; called in the thread. `last`: the number of the last end
    among them; `tasks`, `count`, `size`: which tasks these are, how many, and the bytes of all."""

    make: Callable[[], list[Change]]
    last: int
    tasks: Callable[[], Sequence[TaskId]]
    count: int
    size: int


class Writer:
    """The thread that writes.

    `on_written(last, groups)`: all up to this end, and so many more groups, are written, or given up. `on_trouble(words)`: the store can't be written;
    "": it can again. Both are called in the thread.
    """

    def __init__(
        self, store: Store, *, on_written: Callable[[int, int], object], on_trouble: Callable[[str], object]
    ) -> None:
        self._store, self._on_written, self._on_trouble = store, on_written, on_trouble
        self._waiting: deque[Group] = deque()
        self._count = self._size = 0
        self._gap = TaskSet()
        """Tasks of which something was given up, and that is not written down yet."""
        self._gap_why = ""
        self._change = threading.Condition()
        self._busy = self._closing = False
        self._trouble = ""
        self._thread = threading.Thread(target=self._run, name="engineroom-store", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def in_trouble(self) -> bool:
        """Whether the last attempt to write has failed."""
        return bool(self._trouble)

    def put(self, group: Group) -> None:
        """Have `group` written soon; if too much waits, the oldest groups are given up."""
        with self._change:
            self._waiting.append(group)
            self._count += group.count
            self._size += group.size
            given_up = []
            while (self._count > MOST_WAITING or self._size > MOST_WAITING_BYTES) and len(self._waiting) > 1:
                given_up.append(self._next())
            self._change.notify_all()
        for each in given_up:
            self._give_up(each, "the store could not keep up")

    def _next(self) -> Group:
        group = self._waiting.popleft()
        self._count -= group.count
        self._size -= group.size
        return group

    def _give_up(self, group: Group, why: str) -> None:
        with self._change:
            self._gap.add(group.tasks())
            self._gap_why = why
        self._on_written(group.last, 1)
        self._say(f"{self._store.where}: {why}, so some tasks are not recorded")

    def close(self, seconds: float) -> bool:
        """Write what waits, then end; return whether all of it was written within `seconds`."""
        with self._change:
            self._closing = True
            self._change.notify_all()
        self._thread.join(seconds)
        return not self._thread.is_alive() and not self._waiting

    def _run(self) -> None:
        while True:
            with self._change:
                while not self._waiting and not self._closing:
                    self._change.wait()
                if not self._waiting:
                    return
                groups = [self._next() for _ in range(len(self._waiting))]
            self._write_all(groups)

    def _write_all(self, groups: list[Group]) -> None:
        changes = [change for group in groups for change in _made(group)]
        last = max(group.last for group in groups)
        told = False
        for pause in chain(PAUSES, repeat(PAUSES[-1])):
            problem = self._tried([*self._gap_changes(), *changes])
            self._say(problem)
            if not told:
                told = True
                self._on_written(last, len(groups))  # if it is not, tasks go on all the same
            if not problem:
                return
            if self._closing or self._is_too_much():
                break
            with self._change:
                self._change.wait_for(lambda: self._closing, pause)
        with self._change:
            self._gap.add([task for group in groups for task in group.tasks()])
            self._gap_why = self._trouble

    def _is_too_much(self) -> bool:
        with self._change:
            return self._count > MOST_WAITING // 2 or self._size > MOST_WAITING_BYTES // 2

    def _gap_changes(self) -> list[Change]:
        with self._change:
            return [Missed(tasks, time.time(), self._gap_why) for tasks in self._gap.ranges()]

    def _tried(self, changes: list[Change]) -> str:
        """Write `changes`; return what is wrong, "" if nothing is."""
        try:
            self._store.write(changes)
        except Exception as error:  # noqa: BLE001 (a store may be anybody's)
            return str(error) or type(error).__name__
        with self._change:
            self._gap = TaskSet()
        return ""

    def _say(self, words: str) -> None:
        """Say what is wrong when it begins, and when it is over."""
        before, self._trouble = self._trouble, words
        if bool(before) != bool(words):
            self._on_trouble(words)


def _made(group: Group) -> list[Change]:
    try:
        return group.make()
    except Exception:
        log.exception("tasks are not recorded because of an error in engineroom")
        return []
