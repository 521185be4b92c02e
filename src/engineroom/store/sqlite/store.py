"""The store in a file, by SQLite: what is written outlives the controller."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from engineroom.ids import SessionId, TaskId, task_id
from engineroom.ids import msg_id as name_of
from engineroom.machine.own_files import make_directory
from engineroom.protocol.messages import Function
from engineroom.protocol.streams import Buffer
from engineroom.protocol.task_ranges import TaskRanges, numbers_in, tidy, without
from engineroom.store.changes import ABSENT, Change, ClientKnown, Delivered, Purged
from engineroom.store.entry import Entry
from engineroom.store.interface import Absence, Damage, LeftBehind, Store, StoreTrouble, StoreUnusable
from engineroom.store.queries.matching import Order
from engineroom.store.queries.named import tasks_named
from engineroom.store.queries.tree import Query
from engineroom.store.ranges import TaskSet
from engineroom.store.sqlite.lives import Lives
from engineroom.store.sqlite.opening import (
    AS_FOUND,
    Say,
    Surroundings,
    check_ours,
    connect,
    in_the_log,
    in_words,
    is_broken,
    move_aside,
    open_file,
)
from engineroom.store.sqlite.owner import Owner
from engineroom.store.sqlite.reading import FEW, Asker, Reader
from engineroom.store.sqlite.retention import Limits, Retention, give_back
from engineroom.store.sqlite.schema import table_of
from engineroom.store.sqlite.writing import Writer

_MOST_UNDELIVERED = 200_000
"""So many results of a client are looked for that it may not have: the last ones."""


class SQLiteStore(Store):
    """Keeps tasks in the table `table` of the file `path`.

    `life`: the table is that of one life of a cluster; those of earlier lives go first when there is too much.
    `cluster`: tells the clusters that use the file apart. `limits`: how much is kept. `read_only`: somebody looks at a
    file that a controller may have. `report`: is called with words for people when earlier tasks are not in the file
    any more. `few`: how many tasks are put in order quicker than found in it.
    """

    on_disk = True

    def __init__(
        self,
        path: Path,
        table: str,
        *,
        life: bool = False,
        limits: Limits | None = None,
        read_only: bool = False,
        report: Say = in_the_log,
        cluster: str = "",
        among: Surroundings = AS_FOUND,
        few: int = FEW,
    ) -> None:
        self._report = report
        self._path, self._table, self._life, self._read_only = path, table, life, read_only
        self._limits, self._cluster, self._among, self._few = limits or Limits(), cluster, among, few
        self._left_behind: LeftBehind | None = None
        self._begins = True
        """It has not been open yet: what others have left is looked for then, or never."""
        self.where = f"SQLite, table {table!r} of {path}"
        self._owner = Owner(path)
        self._lock = threading.Lock()
        """Guards `_delivered`."""
        self._delivered = TaskSet()
        self._broken = ""
        """Why the file can't be used any more, as a reader has found."""
        self._file: os.stat_result = os.stat_result([0] * 10)
        self._connection: sqlite3.Connection | None = None
        self._asker: Asker | None = None
        self._reader: Reader | None = None
        self._writer: Writer | None = None
        self._retention: Retention | None = None

    def open(self) -> None:
        try:
            if self._read_only:
                self._look()
            else:
                make_directory(self._path.parent)
                self._owner.take()
                try:
                    self._begin()
                finally:
                    self._begins = False
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise in_words(self._path, error) from error
        except BaseException:
            self.close()
            raise

    def _look(self) -> None:
        if not self._path.exists():
            raise StoreUnusable(f"{self._path} does not exist")
        connection = connect(self._path, self._among.patience, read_only=True)
        self._connection = connection
        check_ours(self._path, connection)
        found = table_of(connection, self._table, life=self._life, create=False)
        if found is None:
            raise StoreUnusable(f"{self._path} has no table {self._table!r}")
        self._read_with(Asker(connection, self._failed), *found)

    def _begin(self) -> None:
        connection = self._connection = open_file(self._path, self._report, self._among)
        lives = Lives(connection, self._cluster)
        if self._life and self._begins:
            lives.take_over(self._table)
        found = table_of(connection, self._table, life=self._life)
        assert found is not None
        number, name = found
        left = lives.begin(number, name)
        if self._begins:
            self._left_behind, self._begins = left, False
        self._file = os.stat(self._path)
        self._writer = Writer(connection, number, name)
        self._retention = Retention(connection, number, name, self._writer, self._limits)
        self._read_with(Asker(connect(self._path, self._among.patience), self._failed), number, name)

    def _failed(self, error: sqlite3.Error) -> StoreTrouble:
        """Return what a reader is told; if the file is broken, whoever writes next replaces it."""
        trouble = in_words(self._path, error)
        if not is_broken(error):
            return trouble
        self._broken = str(error)
        if self._read_only:
            return trouble
        return StoreTrouble(f"{trouble}. When the next task is recorded, it is renamed and a new file is begun")

    def _read_with(self, asker: Asker, number: int, name: str) -> None:
        before, self._asker = self._asker, asker
        self._reader = Reader(asker.ask, number, name, self._delivered, self._lock, self._few)
        with self._lock:
            for absence in self._reader.ranges("delivered"):
                self._delivered.add_ranges(absence.tasks)
        if before is not None:
            before.close()

    def close(self) -> None:
        self._let_go()
        self._owner.release()

    def _let_go(self) -> None:
        """Close the connections; the last one that closes makes one file of all."""
        asker, self._asker, self._reader = self._asker, None, None
        if asker is not None:
            asker.close()
        self._stop_writing()

    def _stop_writing(self) -> None:
        """Have the file opened anew by whoever writes next; until then, what is in it can be read."""
        connection, self._connection, self._writer, self._retention = self._connection, None, None, None
        if connection is not None:
            connection.close()

    def write(self, changes: Sequence[Change]) -> None:
        try:
            try:
                self._write(changes)
            except sqlite3.DatabaseError as error:
                if not is_broken(error):
                    raise
                self._broken = str(error)
                self._write(changes)
        except (OSError, sqlite3.Error) as error:
            self._stop_writing()
            raise in_words(self._path, error) from error

    def _write(self, changes: Sequence[Change]) -> None:
        if self._broken:
            self._let_go()
            move_aside(self._path, "corrupt", self._broken, self._report)
            self._broken = ""
        if self._connection is not None and not self._is_still_there():
            self._report(f"{self._path} was removed or replaced: a new file is begun, and earlier tasks are not in it")
            self._let_go()
            self._owner.release()
            make_directory(self._path.parent)
            self._owner.take()
        if self._connection is None:
            self._begin()
        connection, retention = self._connection, self._retention
        assert connection is not None
        assert retention is not None
        connection.execute("BEGIN IMMEDIATE")
        try:
            gone = self._apply(changes, retention)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        if gone:
            give_back(connection)

    def _is_still_there(self) -> bool:
        try:
            return os.path.samestat(os.stat(self._path), self._file)
        except FileNotFoundError:
            return False

    def _apply(self, changes: Sequence[Change], retention: Retention) -> bool:
        """Apply `changes`; return whether tasks had to go for them."""
        assert self._writer is not None
        added = self._writer.write(changes)
        for change in changes:
            match change:
                case Purged(tasks, at):
                    retention.purge(tasks, at)
                case Delivered(tasks):
                    with self._lock:
                        self._delivered.add_ranges(tasks)
                case _:
                    pass
        return retention.keep_within(added)

    def _read(self) -> Reader:
        reader = self._reader
        if reader is None:
            raise StoreTrouble(f"{self._path} can't be read now")
        return reader

    def entries(self, tasks: Iterable[TaskId] | None = None) -> Iterator[Entry]:
        reader = self._read()
        return reader.entries(reader.in_order(tasks))

    def select(self, query: Query, order: Order = (), limit: int | None = None, skip: int = 0) -> Iterable[Entry]:
        if tasks_named(query) is not None:
            return super().select(query, order, limit, skip)
        return self._read().select(query, order, limit, skip)

    def history(self) -> list[str]:
        return [name_of(task) for task in self._read().in_order(None)]

    def function(self, digest: bytes) -> tuple[Function, list[Buffer]] | None:
        return self._read().function(digest)

    def absences(self) -> Iterator[Absence]:
        reader = self._read()
        for kind in ABSENT:
            yield from reader.ranges(kind)

    def expired(self) -> Iterator[TaskRanges]:
        return (found.tasks for found in self._read().ranges("expired"))

    def known_up_to(self) -> dict[bytes, int]:
        return self._read().known_up_to()

    def damages(self) -> Iterator[Damage]:
        return self._read().damages()

    def count(self) -> int:
        return self._read().count()

    def size(self) -> int:
        return self._read().size()

    def left_behind(self) -> LeftBehind | None:
        return self._left_behind

    def left(self, damaged: Callable[[Damage], object]) -> Iterator[Entry]:
        return self._read().left(damaged)

    def clients(self) -> dict[bytes, ClientKnown]:
        return self._read().clients()

    def undelivered(self, session: bytes, known_up_to: int) -> Iterator[Entry]:
        with self._lock:
            theirs = [each.ranges for each in self._delivered.ranges() if each.session == session]
        left = without([(1, known_up_to)], tidy([its for ranges in theirs for its in ranges]))
        numbers = islice(numbers_in(reversed(left)), _MOST_UNDELIVERED)
        tasks = [task_id(SessionId(session), number) for number in numbers]
        return (entry for entry in self.entries(tasks) if entry.result is not None)

    def unfinished(self) -> Iterator[Entry]:
        return iter(self._read().unfinished())
