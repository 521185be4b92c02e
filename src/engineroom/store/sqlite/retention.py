"""What goes, and when: tasks that somebody purges, and the oldest ones when there are too many."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable

import msgspec

from engineroom.ids import TaskId
from engineroom.protocol.task_ranges import TaskRanges, in_batches
from engineroom.store.ranges import TaskSet
from engineroom.store.rows import CALL, RESULT
from engineroom.store.sqlite.lives import lives_that_may_go
from engineroom.store.sqlite.schema import SPAN_BITS, drop_table
from engineroom.store.sqlite.writing import Writer

_ENDED = "state IN ('done', 'failed', 'aborted')"
_AT_ONCE = 500
_OFTEN = 20
"""Limits are looked at when a twentieth of what they allow has been added."""


class Limits(msgspec.Struct, frozen=True):
    """How much is kept: so many tasks that have ended, bytes, and seconds since they have; 0: any."""

    records: int = 0
    size: int = 0
    age: float = 0.0


class Retention:
    """Keeps one table within its limits, within transactions of the caller's."""

    def __init__(self, connection: sqlite3.Connection, number: int, table: str, writer: Writer, limits: Limits) -> None:
        self._connection, self._number, self._table, self._writer = connection, number, table, writer
        self._limits = limits
        self._added = 1 << 62
        """Rows since the limits were looked at; at first, many."""
        self._functions = 0
        """How many were left when unused ones were looked for."""

    def purge(self, tasks: TaskRanges, at: float) -> None:
        """Remove those of `tasks` that have ended."""
        for first, last in tasks.ranges:
            low, high = (tasks.session + min(number, 2**63).to_bytes(8) for number in (first, last))
            found = self._connection.execute(
                f"SELECT task FROM {self._table} WHERE task BETWEEN ? AND ? AND {_ENDED}",
                (low, high),
            )
            self._remove([TaskId(task) for (task,) in found], "purged", at)

    def keep_within(self, added: int) -> bool:
        """Remove the oldest tasks if there are too many; return whether any went, or tables of earlier lives."""
        self._added += added
        records = self._limits.records
        if self._added < max(64, records // _OFTEN if records else 10_000):
            return False
        self._added = 0
        gone = self._by_age() + self._by_count() + self._by_size()
        if gone:
            self._drop_functions()
            self._connection.execute(
                "DELETE FROM engineroom_spans WHERE owner_table = ? "
                f"AND span < (SELECT min(submitted) >> {SPAN_BITS} FROM {self._table})",
                (self._number,),
            )
        return gone > 0

    def _by_age(self) -> int:
        if not self._limits.age:
            return 0
        before = round((time.time() - self._limits.age) * 1e6)
        return self._retire(f"{_ENDED} AND completed < ?", (before,), "completed", 1 << 40)

    def _by_count(self) -> int:
        if not self._limits.records:
            return 0
        gone = 0
        while (over := self._count(_ENDED) - self._limits.records) > 0 and self._drop_a_life():
            gone += 1
        return gone + self._retire(_ENDED, (), "submitted", over)

    def _by_size(self) -> int:
        gone = 0
        while self._limits.size and self.size() > self._limits.size:
            if self._drop_a_life():
                gone += 1
                continue
            some = max(1, self._count(_ENDED) // 10)
            removed = self._retire(_ENDED, (), "submitted", some)
            gone += removed
            if not removed:
                break
        return gone

    def size(self) -> int:
        """Return the bytes of the file that are in use."""
        [(pages,)] = self._connection.execute("PRAGMA page_count")
        [(free,)] = self._connection.execute("PRAGMA freelist_count")
        [(size,)] = self._connection.execute("PRAGMA page_size")
        return int((pages - free) * size)

    def _count(self, which: str) -> int:
        """Return how many tasks there are, in this table and in those of lives that may go."""
        total = 0
        for table in (self._table, *(name for _, name in self._lives())):
            [(count,)] = self._connection.execute(f"SELECT count(*) FROM {table} WHERE {which}")
            total += count
        return total

    def _lives(self) -> list[tuple[int, str]]:
        return lives_that_may_go(self._connection, self._number)

    def _drop_a_life(self) -> bool:
        """Remove the table of a life that is over; return whether there was one."""
        for number, table in self._lives():
            drop_table(self._connection, number, table)
            return True
        return False

    def _retire(self, which: str, values: tuple[int, ...], order: str, most: int) -> int:
        if most <= 0:
            return 0
        found = self._connection.execute(
            f"SELECT task FROM {self._table} WHERE {which} ORDER BY {order} LIMIT ?",
            (*values, most),
        )
        tasks = [TaskId(task) for (task,) in found]
        self._remove(tasks, "retired", time.time())
        return len(tasks)

    def _remove(self, tasks: list[TaskId], kind: str, at: float) -> None:
        gone = TaskSet()
        gone.add(tasks)
        for some in in_batches(tasks, _AT_ONCE):
            marks = ", ".join("?" * len(some))
            owners = self._connection.execute(
                f"SELECT DISTINCT owner FROM {self._table} WHERE task IN ({marks}) AND owner IS NOT NULL",
                some,
            ).fetchall()
            self._connection.execute(f"DELETE FROM {self._table} WHERE task IN ({marks})", some)
            for shared, which in (("bodies", f"AND side = {RESULT}"), ("again", "")):
                self._connection.execute(
                    f"DELETE FROM engineroom_{shared} WHERE owner_table = ? AND task IN ({marks}) {which}",
                    (self._number, *some),
                )
            self._drop_calls(owner for (owner,) in owners)
        for ranges in gone.ranges():
            self._writer.note(kind, ranges, at)

    def _drop_calls(self, owners: Iterable[bytes]) -> None:
        for owner in owners:
            used = self._connection.execute(f"SELECT 1 FROM {self._table} WHERE owner = ? LIMIT 1", (owner,))
            if used.fetchone() is None:
                self._writer.forget_call(owner)
                self._connection.execute(
                    "DELETE FROM engineroom_bodies WHERE owner_table = ? AND task = ? AND side = ?",
                    (self._number, owner, CALL),
                )

    def _drop_functions(self) -> None:
        """Remove functions that no task names, if there are many."""
        [(count,)] = self._connection.execute(
            "SELECT count(*) FROM engineroom_functions WHERE owner_table = ?", (self._number,)
        )
        if count <= self._functions + max(64, self._functions // 4):
            return
        used = {digest for (digest,) in self._connection.execute(f"SELECT DISTINCT function FROM {self._table}")}
        every = self._connection.execute(
            "SELECT hash, parts FROM engineroom_functions WHERE owner_table = ?", (self._number,)
        ).fetchall()
        for digest, parts in every:
            if digest in used:
                used.update(msgspec.msgpack.decode(parts) or ())
        self._connection.executemany(
            "DELETE FROM engineroom_functions WHERE owner_table = ? AND hash = ?",
            [(self._number, digest) for digest, _ in every if digest not in used],
        )
        self._functions = sum(digest in used for digest, _ in every)


def give_back(connection: sqlite3.Connection) -> None:
    """Make the file shorter, if much of it is unused. Not within a transaction."""
    [(pages,)] = connection.execute("PRAGMA page_count")
    [(free,)] = connection.execute("PRAGMA freelist_count")
    if free > 256 and free > pages // 4:
        connection.executescript("PRAGMA incremental_vacuum")  # `execute` would take its first step alone
