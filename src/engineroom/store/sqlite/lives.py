"""Which life of a cluster each table is of, and whether that was stopped on purpose: else the next one goes on.

That has one table: if several lives left tasks undone, what they have is moved into one.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from engineroom.store.changes import ClientKnown, Stopped
from engineroom.store.interface import LeftBehind
from engineroom.store.rows import COLUMNS, about_client
from engineroom.store.sqlite.opening import check_ours, connect, in_words
from engineroom.store.sqlite.schema import create_table, drop_table, encoded, quoted

_OPEN = "state IN ('waiting', 'running')"

MORE = """
CREATE TABLE IF NOT EXISTS engineroom_lives (
    owner_table INTEGER PRIMARY KEY, cluster TEXT NOT NULL, stopped INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS engineroom_clients (
    owner_table INTEGER, session BLOB, about BLOB, PRIMARY KEY (owner_table, session)) WITHOUT ROWID;
"""
"""What is added to files that lack it. `cluster`: whose table it is; `stopped`: when that was stopped last; what was
submitted before is left alone."""


_MOVED = ("bodies", "ranges", "sessions", "again", "functions", "clients")
"""What belongs to a table and has no second one of its kind elsewhere that matters."""


class _Life(NamedTuple):
    """`table`: as SQL names it; `stopped`: 0 if it never was."""

    number: int
    table: str
    stopped: int


def latest_table(path: Path, cluster: str) -> str | None:
    """Return the name of the table of the latest life of a cluster that has tasks in the file; None: there is none.

    StoreTrouble: the file can't be read, or is not ours.
    """
    return next((table for whose, table in _tables_with_tasks(path) if whose == cluster), None)


def clusters_with_tasks(path: Path) -> list[str]:
    """Return the clusters that have tasks in the file, that of the latest life first. StoreTrouble: as above."""
    return list(dict.fromkeys(whose for whose, _ in _tables_with_tasks(path)))


def _tables_with_tasks(path: Path) -> Iterator[tuple[str, str]]:
    """Yield whose each table is, and its name: the latest first."""
    try:
        with contextlib.closing(connect(path, read_only=True)) as connection:
            check_ours(path, connection)
            rows = connection.execute(
                "SELECT cluster, name, sql_name FROM engineroom_tables JOIN engineroom_lives ON owner_table = id "
                "ORDER BY id DESC"
            ).fetchall()
            for cluster, name, table in rows:
                if connection.execute(f"SELECT 1 FROM {quoted(table)} LIMIT 1").fetchone() is not None:
                    yield cluster, str(name, "utf-8", "surrogatepass")
    except sqlite3.Error as error:
        raise in_words(path, error) from error


class Lives:
    """What is known of the lives of clusters. `cluster`: tells ours from all others that may use the file."""

    def __init__(self, connection: sqlite3.Connection, cluster: str) -> None:
        self._connection, self._cluster = connection, cluster
        connection.executescript(MORE)

    def take_over(self, table: str) -> None:
        """Have all in `table`, unless that is there, that lives of our cluster have left undone, with what they have
        done; and what the last one has if it was not stopped, for its results may not have been fetched."""
        ask = self._connection.execute
        if ask("SELECT 1 FROM engineroom_tables WHERE name = ?", (encoded(table),)).fetchone():
            return
        rows = ask(
            "SELECT id, sql_name, stopped FROM engineroom_tables JOIN engineroom_lives ON owner_table = id "
            "WHERE life AND cluster = ? ORDER BY id DESC",
            (self._cluster,),
        ).fetchall()
        lives = [_Life(number, quoted(name), stopped) for number, name, stopped in rows]
        found = [
            each
            for each in lives
            if self._left(each.table, each.stopped) is not None or (each is lives[0] and not each.stopped)
        ]
        if found:
            with self._connection:
                ask("BEGIN IMMEDIATE")
                self._join(found, table)

    def _join(self, lives: list[_Life], table: str) -> None:
        ask = self._connection.execute
        into, *others = lives
        if others and into.stopped:  # that must not count for what others have left
            into, others = _Life(*create_table(self._connection, table, life=True), 0), lives
            ask("INSERT INTO engineroom_lives VALUES (?, ?, 0)", (into.number, self._cluster))
        for life in others:
            self._move(life, into)
        ask("UPDATE engineroom_tables SET name = ? WHERE id = ?", (encoded(table), into.number))

    def _move(self, life: _Life, into: _Life) -> None:
        """Have `into` have what `life` has, but what that had not done when it was stopped."""
        ask, columns = self._connection.execute, ", ".join((*COLUMNS, "sent"))
        which = f"NOT ({_OPEN} AND submitted <= {life.stopped})"
        ask(f"INSERT OR IGNORE INTO {into.table} ({columns}) SELECT {columns} FROM {life.table} WHERE {which}")
        ask(f"DELETE FROM {life.table} WHERE {which}")
        for shared in _MOVED:
            ask(
                f"UPDATE OR IGNORE engineroom_{shared} SET owner_table = ? WHERE owner_table = ?",
                (into.number, life.number),
            )
        ask(
            "INSERT INTO engineroom_spans SELECT ?, span, earliest, latest FROM engineroom_spans WHERE owner_table = ? "
            "ON CONFLICT DO UPDATE SET earliest = min(earliest, excluded.earliest), "
            "latest = max(latest, excluded.latest)",
            (into.number, life.number),
        )
        if ask(f"SELECT 1 FROM {life.table} LIMIT 1").fetchone() is None:
            drop_table(self._connection, life.number, life.table)

    def begin(self, number: int, name: str) -> LeftBehind | None:
        """Note whose table this is; return what an earlier cluster of ours has left in it, None for nothing."""
        [(cluster, stopped)] = self._connection.execute(
            "SELECT cluster, stopped FROM engineroom_lives WHERE owner_table = ?", (number,)
        ).fetchall() or [("", 0)]
        left = self._left(name, stopped) if cluster == self._cluster else None
        if left is None and cluster != self._cluster and not (cluster and self._left(name, stopped)):
            self._connection.execute(
                "INSERT OR REPLACE INTO engineroom_lives VALUES (?, ?, ?)", (number, self._cluster, stopped)
            )
        return left

    def _left(self, table: str, stopped: int) -> LeftBehind | None:
        ask = self._connection.execute
        if not _is_left_undone(self._connection, table, stopped):
            return None
        [(latest,)] = ask(f"SELECT max(submitted) FROM {table}")
        for state in ("done", "failed", "aborted"):
            [(completed,)] = ask(f"SELECT max(completed) FROM {table} WHERE state = ?", (state,))
            latest = max(latest, completed or 0)
        return LeftBehind(latest / 1e6)


def lives_that_may_go(connection: sqlite3.Connection, number: int) -> list[tuple[int, str]]:
    """Return number and table, as SQL names it, of the lives that the one with table `number` may remove: the first to
    go first.

    Those of its own cluster go first, then those of others that were stopped; of these, the oldest. A life that has
    left something undone stays, for its cluster may go on with that.
    """
    rows = connection.execute(
        "SELECT id, sql_name, cluster, coalesce(stopped, 0) FROM engineroom_tables "
        "LEFT JOIN engineroom_lives ON owner_table = id WHERE life AND id != ? "
        "ORDER BY cluster IS NOT (SELECT cluster FROM engineroom_lives WHERE owner_table = ?), "
        "coalesce(stopped, 0) = 0, id",
        (number, number),
    ).fetchall()
    return [
        (its, quoted(name))
        for its, name, cluster, stopped in rows
        if cluster is None or not _is_left_undone(connection, quoted(name), stopped)
    ]


def _is_left_undone(connection: sqlite3.Connection, table: str, stopped: int) -> bool:
    which = f"FROM {table} WHERE {_OPEN} AND submitted > {int(stopped)}"
    return connection.execute(f"SELECT 1 {which} LIMIT 1").fetchone() is not None


def note_life(connection: sqlite3.Connection, number: int, change: ClientKnown | Stopped) -> None:
    """Keep what a client said of itself, or that the cluster was stopped on purpose."""
    if isinstance(change, Stopped):
        stopped = round(change.at * 1e6)
        connection.execute("UPDATE engineroom_lives SET stopped = ? WHERE owner_table = ?", (stopped, number))
    else:
        connection.execute(
            "INSERT OR REPLACE INTO engineroom_clients VALUES (?, ?, ?)",
            (number, change.session, about_client(change)),
        )
