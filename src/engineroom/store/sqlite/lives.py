"""Which life of a cluster each table is of, and whether that was stopped on purpose: else the next one goes on."""

from __future__ import annotations

import sqlite3

from engineroom.store.changes import ClientKnown, Stopped
from engineroom.store.interface import LeftBehind
from engineroom.store.rows import about_client
from engineroom.store.sqlite.schema import encoded, quoted

_OPEN = "state IN ('waiting', 'running')"

MORE = """
CREATE TABLE IF NOT EXISTS engineroom_lives (
    owner_table INTEGER PRIMARY KEY, cluster TEXT NOT NULL, stopped INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS engineroom_clients (
    owner_table INTEGER, session BLOB, about BLOB, PRIMARY KEY (owner_table, session)) WITHOUT ROWID;
"""
"""What is added to files that lack it. `cluster`: whose table it is; `stopped`: when that was stopped last; what was
submitted before is left alone."""


class Lives:
    """What is known of the lives of clusters. `cluster`: tells ours from all others that may use the file."""

    def __init__(self, connection: sqlite3.Connection, cluster: str) -> None:
        self._connection, self._cluster = connection, cluster
        connection.executescript(MORE)

    def take_over(self, table: str) -> None:
        """Have the table of a life of our cluster that was not stopped be called `table`, unless that is there: of the
        last one that left tasks undone, or else of the last one, whose results may not have been fetched."""
        ask = self._connection.execute
        if ask("SELECT 1 FROM engineroom_tables WHERE name = ?", (encoded(table),)).fetchone():
            return
        lives = ask(
            "SELECT id, sql_name, stopped FROM engineroom_tables JOIN engineroom_lives ON owner_table = id "
            "WHERE life AND cluster = ? ORDER BY id DESC",
            (self._cluster,),
        ).fetchall()
        found = [number for number, name, stopped in lives if self._left(quoted(name), stopped) is not None]
        found += [number for number, _, stopped in lives[:1] if not stopped]
        if found:
            ask("UPDATE engineroom_tables SET name = ? WHERE id = ?", (encoded(table), found[0]))

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
        which = f"FROM {table} WHERE {_OPEN} AND submitted > {int(stopped)}"
        if ask(f"SELECT 1 {which} LIMIT 1").fetchone() is None:
            return None
        [(latest,)] = ask(f"SELECT max(submitted) FROM {table}")
        for state in ("done", "failed", "aborted"):
            [(completed,)] = ask(f"SELECT max(completed) FROM {table} WHERE state = ?", (state,))
            latest = max(latest, completed or 0)
        return LeftBehind(latest / 1e6)


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
