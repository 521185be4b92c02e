"""Entries out of a table."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from itertools import islice
from operator import itemgetter
from typing import Any
from zlib import crc32

import msgspec

from engineroom.ids import TaskId, msg_id
from engineroom.protocol.messages import Function
from engineroom.protocol.streams import Buffer
from engineroom.protocol.task_ranges import Ranges, TaskRanges, in_batches
from engineroom.store.changes import ClientKnown
from engineroom.store.entry import RUNNING, WAITING, Bytes, Entry
from engineroom.store.interface import Absence, Damage, StoreTrouble
from engineroom.store.queries.matching import Order, arranged, latest_first, matcher
from engineroom.store.queries.tree import Query, Test
from engineroom.store.ranges import TaskSet
from engineroom.store.rows import COLUMNS, StoredBytes, client_of, damage_of, entry_of
from engineroom.store.sqlite.filters import Where, columns_of, completed_within, order_by, states_of, where
from engineroom.store.sqlite.schema import HAS_NAMES, SPAN_BITS

_AT_ONCE = 500
_FUNCTION = COLUMNS.index("function")
_MOST_NAMES = 10_000
FEW = 20_000
"""So many tasks are put in order quicker than found in it."""
_COMPLETED = re.compile(r"\bcompleted\b")
"""As "+completed", no index is used to find it."""
_UNFINISHED = Test(("state",), "$in", [WAITING, RUNNING])

Ask = Callable[[str, tuple[Any, ...]], list[tuple[Any, ...]]]
"""Runs a statement, and returns all rows."""


class Reader:
    """Reads one table. `delivered`: the tasks whose results are with their clients, with the lock that guards it.

    `few`: so many tasks are put in order quicker than found in it.
    """

    def __init__(
        self, ask: Ask, number: int, table: str, delivered: TaskSet, lock: AbstractContextManager[Any], few: int
    ) -> None:
        self._ask, self._number, self._table, self._few = ask, number, table, few
        self._delivered, self._lock = delivered, lock
        self._has_spans = bool(ask("SELECT 1 FROM sqlite_schema WHERE name = 'engineroom_spans'", ()))
        self._has_names = bool(ask(HAS_NAMES, ()))
        self._names: dict[bytes, str] = {}
        """Of functions, as far as they were asked for."""
        self._row = f"SELECT {', '.join(COLUMNS)}, sent FROM {table}"

    def entries(self, tasks: Iterable[TaskId]) -> Iterator[Entry]:
        """Yield the entries of `tasks` that are there, in the order in which they are named."""
        for some in in_batches(tasks, _AT_ONCE):
            marks = ", ".join("?" * len(some))
            rows = {row[0]: row for row in self._ask(f"{self._row} WHERE task IN ({marks})", some)}
            again: dict[bytes, bytes] = dict(
                self._ask(
                    f"SELECT task, again FROM engineroom_again WHERE owner_table = ? AND task IN ({marks})",
                    (self._number, *some),
                )
            )
            self._learn_names({row[_FUNCTION] for row in rows.values()})
            for task in some:
                if task in rows and (entry := self._entry(rows[task], again)) is not None:
                    yield entry

    def _learn_names(self, functions: set[bytes]) -> None:
        if len(self._names) > _MOST_NAMES:
            self._names = {}
        unknown = [each for each in functions if each and each not in self._names]
        if unknown and self._has_names:
            marks = ", ".join("?" * len(unknown))
            named = f"SELECT hash, name FROM engineroom_functions WHERE owner_table = ? AND hash IN ({marks})"
            self._names.update(self._ask(named, (self._number, *unknown)))

    def _entry(self, row: tuple[Any, ...], again: dict[bytes, bytes]) -> Entry | None:
        entry = entry_of(row, self._payload)
        if entry is None:  # it is told of with the damages
            return None
        entry.resubmitted = TaskId(again[row[0]]) if row[0] in again else None
        entry.function = self._names.get(row[_FUNCTION], "")
        with self._lock:
            entry.delivered = entry.task in self._delivered
        return entry

    def _payload(self, task: TaskId, side: int, size: int) -> Bytes:
        return StoredBytes(size, lambda: self._pieces(task, side))

    def _pieces(self, task: TaskId, side: int) -> list[Buffer]:
        rows = self._ask(
            "SELECT data, checksum FROM engineroom_bodies WHERE owner_table = ? AND task = ? AND side = ? "
            "ORDER BY piece",
            (self._number, task, side),
        )
        if any(crc32(data) != checksum for data, checksum in rows):
            raise StoreTrouble(f"the payload of task {msg_id(task)} does not match its checksum")
        return [data for data, _ in rows]

    def in_order(self, tasks: Iterable[TaskId] | None) -> list[TaskId]:
        """Return the ids of all tasks, or of those of `tasks` that are there, as they were submitted."""
        if tasks is None:
            return self._ids("1", (), "submitted, task", None)
        found: list[tuple[int, bytes]] = []
        for some in in_batches(tasks, _AT_ONCE):
            marks = ", ".join("?" * len(some))
            found += self._ask(f"SELECT submitted, task FROM {self._table} WHERE task IN ({marks})", some)
        return [TaskId(task) for _, task in sorted(set(found))]

    def select(self, query: Query, order: Order, limit: int | None, skip: int) -> Iterable[Entry]:
        condition, ordered = where(query), order_by(order)
        if condition.exact and ordered is not None:
            most = None if limit is None else skip + limit
            return self.entries(islice(self._found(query, order, condition.sql, condition.values, most), skip, None))
        if ordered is None:
            found = self.entries(self._found(query, (), condition.sql, condition.values, None))
            return arranged(found, query, order, limit, skip)
        matches = matcher(query)
        found = self.entries(self._found(query, order, condition.sql, condition.values, None))
        return islice(filter(matches, found), skip, None if limit is None else skip + limit)

    def _found(
        self, query: Query, order: Order, sql: str, values: tuple[Any, ...], most: int | None
    ) -> Iterable[TaskId]:
        """Return the ids of what is selected, in their order. Of each state by itself, if that matters: indices begin
        with it."""
        states, by = states_of(query), order_by(order)
        assert by is not None
        if states is None:
            return self._ids(sql, values, by, most)
        if "completed IS NULL" in sql:
            by = f"+{by}" if not order else by  # there are few: to look for them in the order of submission takes long
        limit = "" if most is None else f" LIMIT {most}"
        ended = completed_within(query) if most is not None and not order and self._has_spans else None
        rows: list[tuple[Any, ...]] = []
        for state in states:
            if ended is not None and self._many(state, ended[0]):
                rows += self._by_spans(state, ended[1], sql, values, limit)
                continue
            rows += self._ask(
                f"SELECT {columns_of(order)} FROM {self._table} WHERE state = ? AND {sql} ORDER BY {by}{limit}",
                (state, *values),
            )
        if len(states) > 1:
            rows.sort(key=itemgetter(-2, -1), reverse=latest_first(order))
            for place, (_, backwards) in reversed(list(enumerate(order))):
                rows.sort(key=lambda row, place=place: (row[place] is not None, row[place]), reverse=backwards)  # type: ignore[misc]
        return [TaskId(row[-1]) for row in rows[:most]]

    def _many(self, state: str, ended: Where) -> bool:
        """Whether so many tasks ended then that to sort them takes longer than to go through all in their order."""
        [(count,)] = self._ask(
            f"SELECT count(*) FROM (SELECT 1 FROM {self._table} WHERE state = ? AND {ended.sql} LIMIT {self._few + 1})",
            (state, *ended.values),
        )
        return bool(count > self._few)

    def _by_spans(
        self, state: str, spans: Where, sql: str, values: tuple[Any, ...], limit: str
    ) -> list[tuple[Any, ...]]:
        """Return when tasks were submitted, and their ids, in this order: of the spans in which there may be some."""
        return self._ask(
            f"SELECT its.submitted, its.task FROM engineroom_spans AS among CROSS JOIN {self._table} AS its "
            f"ON its.state = ? AND its.submitted >= among.span << {SPAN_BITS} "
            f"AND its.submitted < (among.span + 1) << {SPAN_BITS} WHERE among.owner_table = ? AND {spans.sql} "
            f"AND {_COMPLETED.sub('+completed', sql)} ORDER BY among.span, its.submitted, its.task{limit}",
            (state, self._number, *spans.values, *values),
        )

    def _ids(self, sql: str, values: tuple[Any, ...], by: str, most: int | None) -> list[TaskId]:
        limit = "" if most is None else f" LIMIT {most}"
        rows = self._ask(f"SELECT task FROM {self._table} WHERE {sql} ORDER BY {by}{limit}", values)
        return [TaskId(task) for (task,) in rows]

    def unfinished(self) -> Iterator[Entry]:
        return iter(self.select(_UNFINISHED, (), None, 0))

    def left(self, damaged: Callable[[Damage], object]) -> Iterator[Entry]:
        """Yield what a controller that has just been started goes on with."""
        [(stopped,)] = self._ask(
            "SELECT coalesce(max(stopped), 0) FROM engineroom_lives WHERE owner_table = ?", (self._number,)
        )
        tasks = self._ids("state IN ('waiting', 'running') AND submitted > ?", (stopped,), "submitted, task", None)
        for some in in_batches(tasks, _AT_ONCE):
            marks = ", ".join("?" * len(some))
            rows = {row[0]: row for row in self._ask(f"{self._row} WHERE task IN ({marks})", some)}
            for row in filter(None, map(rows.get, some)):
                if words := damage_of(row):
                    damaged(Damage(msg_id(TaskId(row[0])), words))
                elif (entry := self._entry(row, {})) is not None and not entry.delivered:
                    yield entry

    def clients(self) -> dict[bytes, ClientKnown]:
        rows = self._ask("SELECT session, about FROM engineroom_clients WHERE owner_table = ?", (self._number,))
        return {session: client_of(session, about) for session, about in rows}

    def count(self) -> int:
        [(count,)] = self._ask(f"SELECT count(*) FROM {self._table}", ())
        return int(count)

    def size(self) -> int:
        """Return the bytes of the whole file that are in use."""
        [(size,)] = self._ask(
            "SELECT (page_count - freelist_count) * page_size "
            "FROM pragma_page_count, pragma_freelist_count, pragma_page_size",
            (),
        )
        return int(size)

    def function(self, digest: bytes) -> tuple[Function, list[Buffer]] | None:
        rows = self._ask(
            "SELECT parts, data FROM engineroom_functions WHERE owner_table = ? AND hash = ?", (self._number, digest)
        )
        self._learn_names({digest})
        for parts, data in rows:
            its = msgspec.msgpack.decode(parts, type=tuple[bytes, ...] | None)
            return Function(digest, b"", its, name=self._names.get(digest, "")), [data]
        return None

    def ranges(self, kind: str) -> Iterator[Absence]:
        """Yield what is noted of tasks."""
        rows = self._ask(
            "SELECT session, first, last, at, why FROM engineroom_ranges WHERE owner_table = ? AND kind = ?",
            (self._number, kind),
        )
        for session, first, last, at, why in rows:
            yield Absence(kind, TaskRanges(session, _one(first, last)), at, why)

    def known_up_to(self) -> dict[bytes, int]:
        return dict(
            self._ask("SELECT session, highest FROM engineroom_sessions WHERE owner_table = ?", (self._number,))
        )

    def damages(self) -> Iterator[Damage]:
        """Yield the rows and payloads that were changed since they were written."""
        for some in in_batches(self.in_order(None), _AT_ONCE):
            marks = ", ".join("?" * len(some))
            for row in self._ask(f"{self._row} WHERE task IN ({marks})", some):
                if words := damage_of(row):
                    yield Damage(msg_id(TaskId(row[0])), words)
        rows = self._ask("SELECT task, side, piece FROM engineroom_bodies WHERE owner_table = ?", (self._number,))
        for key in rows:
            for checksum, data in self._ask(
                "SELECT checksum, data FROM engineroom_bodies WHERE owner_table = ? AND task = ? AND side = ? "
                "AND piece = ?",
                (self._number, *key),
            ):
                if crc32(data) != checksum:
                    what = ("call", "result")[key[1]]
                    yield Damage(msg_id(TaskId(key[0])), f"the payload of its {what} does not match its checksum")


def _one(first: int, last: int) -> Ranges:
    return ((first, last),)


class Asker:
    """A connection for reading, which any thread may use. `failed` makes trouble of what goes wrong."""

    def __init__(self, connection: sqlite3.Connection, failed: Callable[[sqlite3.Error], Exception]) -> None:
        self._connection, self._lock, self._failed = connection, threading.Lock(), failed

    def ask(self, sql: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._connection.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise self._failed(error) from error

    def close(self) -> None:
        with self._lock:
            self._connection.close()
