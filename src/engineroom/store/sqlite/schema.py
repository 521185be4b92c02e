"""What is in the file: a table for each name, and a few that all of them share."""

from __future__ import annotations

import sqlite3

APPLICATION = 0x456E526D
"""In the header of each of our files: "EnRm"."""

VERSION = 1
"""Of what follows. A file of another version is not read."""

SHARED = """
CREATE TABLE engineroom_tables (
    id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, sql_name TEXT NOT NULL UNIQUE, life INTEGER NOT NULL);
CREATE TABLE engineroom_bodies (
    owner_table INTEGER, task BLOB, side INTEGER, piece INTEGER, checksum INTEGER, data BLOB,
    PRIMARY KEY (owner_table, task, side, piece)) WITHOUT ROWID;
CREATE TABLE engineroom_ranges (
    owner_table INTEGER, kind TEXT, session BLOB, last INTEGER, first INTEGER, at REAL, why TEXT,
    PRIMARY KEY (owner_table, kind, session, last)) WITHOUT ROWID;
CREATE TABLE engineroom_sessions (
    owner_table INTEGER, session BLOB, highest INTEGER, PRIMARY KEY (owner_table, session)) WITHOUT ROWID;
CREATE TABLE engineroom_again (
    owner_table INTEGER, task BLOB, again BLOB, PRIMARY KEY (owner_table, task)) WITHOUT ROWID;
CREATE TABLE engineroom_functions (
    owner_table INTEGER, hash BLOB, parts BLOB, checksum INTEGER, data BLOB,
    name TEXT NOT NULL DEFAULT '', PRIMARY KEY (owner_table, hash)) WITHOUT ROWID;
"""
"""`engineroom_bodies`: payloads that are too long for a row; `engineroom_ranges`: which tasks were delivered, purged,
retired or missed; `engineroom_again`: what a task was submitted again as."""

SPAN_BITS = 22
"""Tasks that were submitted within the same 2**22 microseconds are of one span."""

_SPANS = """CREATE TABLE IF NOT EXISTS engineroom_spans (
    owner_table INTEGER, span INTEGER, earliest INTEGER, latest INTEGER,
    PRIMARY KEY (owner_table, span)) WITHOUT ROWID"""
"""Between which times the tasks of a span have ended: where to look for tasks that ended within a time, in the order in
which they were submitted. Other tasks may have gone since."""

HAS_NAMES = "SELECT 1 FROM pragma_table_info('engineroom_functions') WHERE name = 'name'"
"""Finds a row if the functions in a file have names; in files of earlier versions they have none."""

_TASKS = (
    """CREATE TABLE {table} (
    task BLOB PRIMARY KEY, state TEXT NOT NULL, status INTEGER, submitted INTEGER NOT NULL, started INTEGER,
    completed INTEGER, engine INTEGER, label TEXT, function BLOB, owner BLOB, checksum INTEGER, head BLOB NOT NULL,
    sent BLOB) WITHOUT ROWID""",
    "CREATE INDEX {submitted} ON {table} (submitted)",
    "CREATE INDEX {state} ON {table} (state, submitted, completed)",
    "CREATE INDEX {completed} ON {table} (state, completed)",
    "CREATE INDEX {owner} ON {table} (owner) WHERE owner IS NOT NULL",
)
"""What makes a table of tasks; see `rows.COLUMNS`."""

_LONGEST = 100
_RESERVED = ("sqlite_", "engineroom_")


def quoted(name: str) -> str:
    """Return `name` as SQL names a table or a column."""
    return '"' + name.replace('"', '""') + '"'


def sql_name(table: str) -> str:
    """Return what a table is called in the file: as the user says, unless SQLite can't have it so."""
    plain = table.isprintable() and table.strip() == table and 0 < len(table) <= _LONGEST
    if plain and not table.casefold().startswith(_RESERVED):
        return table
    return f"tasks {encoded(table).hex()[: 2 * _LONGEST]}"


def encoded(table: str) -> bytes:
    """Return a name as it is kept: any text will do."""
    return table.encode("utf-8", "surrogatepass")


def create_shared(connection: sqlite3.Connection) -> None:
    """Make a new file ours."""
    connection.executescript(
        f"BEGIN; PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}; {SHARED} COMMIT;"
    )


def add_spans(connection: sqlite3.Connection) -> None:
    """Make sure that the spans of all tables are known; files of earlier versions have none."""
    if has_spans(connection):
        return
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        connection.execute(_SPANS)
        tables = connection.execute("SELECT id, sql_name FROM engineroom_tables").fetchall()
        for number, name in tables:
            connection.execute(
                f"INSERT INTO engineroom_spans SELECT {number}, submitted >> {SPAN_BITS}, min(completed), "
                f"max(completed) FROM {quoted(name)} WHERE completed IS NOT NULL GROUP BY submitted >> {SPAN_BITS}"
            )


def add_names(connection: sqlite3.Connection) -> None:
    """Make sure that functions can have names."""
    if connection.execute(HAS_NAMES).fetchone() is None:
        connection.execute("ALTER TABLE engineroom_functions ADD COLUMN name TEXT NOT NULL DEFAULT ''")


def has_spans(connection: sqlite3.Connection) -> bool:
    """Whether the spans of the tables in a file are known."""
    found = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'engineroom_spans'")
    return found.fetchone() is not None


def table_of(connection: sqlite3.Connection, table: str, *, life: bool, create: bool = True) -> tuple[int, str] | None:
    """Return the number of a table and its name in SQL, both made if they are missing; None: they are not to be.

    `life`: it is that of one life of a cluster, and goes when its tasks do.
    """
    found = connection.execute("SELECT id, sql_name FROM engineroom_tables WHERE name = ?", (encoded(table),))
    row = found.fetchone()
    if row is None and create:
        with connection:
            connection.execute("BEGIN")
            return create_table(connection, table, life=life)
    return None if row is None else (row[0], quoted(row[1]))


def create_table(connection: sqlite3.Connection, table: str, *, life: bool) -> tuple[int, str]:
    """Make a table, within a transaction; return its number and its name in SQL."""
    taken = {each[0].casefold() for each in connection.execute("SELECT name FROM sqlite_schema")}
    name, number = sql_name(table), 1
    while name.casefold() in taken:  # SQL does not tell "Tasks" from "tasks"
        number += 1
        name = f"{sql_name(table)} {number}"
    names = {each: quoted(f"{name} by {each}") for each in ("submitted", "state", "completed", "owner")}
    made = connection.execute(
        "INSERT INTO engineroom_tables (name, sql_name, life) VALUES (?, ?, ?)", (encoded(table), name, life)
    )
    for statement in _TASKS:
        connection.execute(statement.format(table=quoted(name), **names))
    assert made.lastrowid is not None
    return made.lastrowid, quoted(name)


def drop_table(connection: sqlite3.Connection, number: int, name: str) -> None:
    """Remove a table of tasks and what belongs to it, within a transaction."""
    connection.execute(f"DROP TABLE IF EXISTS {name}")
    for shared in ("bodies", "ranges", "sessions", "again", "functions", "spans", "lives", "clients"):
        connection.execute(f"DELETE FROM engineroom_{shared} WHERE owner_table = ?", (number,))
    connection.execute("DELETE FROM engineroom_tables WHERE id = ?", (number,))
