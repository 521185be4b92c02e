"""Opening the file: ours, of this version, whole, with the journal that its file system allows."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from engineroom.machine.own_files import make_directory
from engineroom.store.interface import StoreTrouble, StoreUnusable
from engineroom.store.sqlite.schema import APPLICATION, VERSION, add_names, add_spans, create_shared

log = logging.getLogger(__name__)

Say = Callable[[str], object]
"""Tells people, in words, what has become of a file."""


def in_the_log(words: str) -> None:
    log.warning("%s", words)


_CHECKED = 32 << 20
"""Files up to this size are looked through when they are opened."""

_SHARED_BY_MACHINES = frozenset(
    ("nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "lustre", "gpfs", "beegfs", "9p", "afs", "ceph", "orangefs")
)
"""File systems on which SQLite's WAL does not work: it needs memory that all readers share."""


def file_system(path: Path) -> str:
    """Return the kind of file system that `path` is on, "" where that can't be told."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    place, best, kind = os.path.realpath(path), "", ""
    for line in mounts:
        _, mounted, its_kind, *_ = line.split(" ")
        mounted = mounted.replace("\\040", " ")
        within = place == mounted or place.startswith(mounted.rstrip("/") + "/")
        if within and len(mounted) >= len(best):
            best, kind = mounted, its_kind
    return kind


class Surroundings(NamedTuple):
    """What a file is among."""

    patience: float = 10.0
    """Seconds to wait for other programs that read or write the file."""
    file_system: Callable[[Path], str] = file_system
    """Returns the kind of file system that a path is on."""


AS_FOUND = Surroundings()

_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_broken(error: sqlite3.Error) -> bool:
    """Whether an error says that the file is no whole database."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _BROKEN


def in_words(path: Path, error: Exception) -> StoreTrouble:
    """Return the trouble with the file that an error tells of."""
    if isinstance(error, OSError):
        return StoreTrouble(f"{path}: {error.strerror or error}")
    if isinstance(error, sqlite3.Error) and is_broken(error):
        return StoreTrouble(f"the database {path} is damaged, and the tasks in it can't be read ({error})")
    return StoreTrouble(f"{path}: {error}")


def open_file(path: Path, say: Say = in_the_log, among: Surroundings = AS_FOUND) -> sqlite3.Connection:
    """Return a connection to the file, which is made if it is missing; `say` tells of one that was moved aside.

    StoreUnusable: it is not ours. OSError, sqlite3.Error: it can't be opened now.
    """
    make_directory(path.parent)
    if path.is_dir():
        raise StoreUnusable(f"{path} is a directory. Choose another file (SQLiteDB.filename)")
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = connect(path, among.patience)
    try:
        _prepare(path, connection, among)
    except sqlite3.DatabaseError as error:
        connection.close()
        if not is_broken(error):
            raise
        move_aside(path, "corrupt", str(error), say)
        return open_file(path, say, among)
    except _OfIPyParallel:
        connection.close()
        move_aside(path, "ipyparallel", "it was written by ipyparallel", say)
        return open_file(path, say, among)
    except BaseException:
        connection.close()
        raise
    return connection


def connect(path: Path, patience: float = AS_FOUND.patience, *, read_only: bool = False) -> sqlite3.Connection:
    """Return a connection that any thread may use, one at a time, and in which each statement commits.

    `patience`: seconds to wait for other programs that read or write the file.
    """
    name = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rw'}"
    connection = sqlite3.connect(name, uri=True, isolation_level=None, check_same_thread=False, timeout=patience)
    connection.execute(f"PRAGMA busy_timeout = {int(patience * 1000)}")
    return connection


class _OfIPyParallel(Exception):
    """The file has tasks of ipyparallel, which are kept otherwise."""


def _prepare(path: Path, connection: sqlite3.Connection, among: Surroundings) -> None:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    [(application,)] = connection.execute("PRAGMA application_id")
    if tables or application:
        check_ours(path, connection)
    if path.stat().st_size <= _CHECKED:
        [(found,), *_] = connection.execute("PRAGMA quick_check(1)")
        if found != "ok":
            error = sqlite3.DatabaseError(found)
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise error
    if not tables:
        connection.execute("PRAGMA page_size = 8192")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    _set_journal(connection, among.file_system(path))
    if not tables:
        create_shared(connection)
    add_spans(connection)
    add_names(connection)


def check_ours(path: Path, connection: sqlite3.Connection) -> None:
    """Raise StoreUnusable unless the file is ours, and of this version."""
    [(application,)] = connection.execute("PRAGMA application_id")
    [(version,)] = connection.execute("PRAGMA user_version")
    if application != APPLICATION:
        if not application and _has_old_tasks(connection):
            raise _OfIPyParallel
        raise StoreUnusable(
            f"{path} is a database of another program. Choose another file (SQLiteDB.filename, SQLiteDB.location)"
        )
    if version != VERSION:
        age = "a newer" if version > VERSION else "an older"
        raise StoreUnusable(
            f"{path} was written by {age} version of engineroom (format {version}, expected {VERSION}). Rename it, or "
            "choose another file (SQLiteDB.filename)"
        )


def _has_old_tasks(connection: sqlite3.Connection) -> bool:
    tables = connection.execute("SELECT sql FROM sqlite_schema WHERE type = 'table'").fetchall()
    return bool(tables) and all("result_header" in (sql or "") and "msg_id" in (sql or "") for (sql,) in tables)


def _set_journal(connection: sqlite3.Connection, file_system: str) -> None:
    """Have changes written ahead, where the file system allows it, so that readers and the writer do not wait for each
    other."""
    wanted = "TRUNCATE" if file_system in _SHARED_BY_MACHINES else "WAL"
    try:
        connection.execute(f"PRAGMA journal_mode = {wanted}").fetchone()
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError:
        connection.execute("PRAGMA journal_mode = TRUNCATE").fetchone()
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA journal_size_limit = {4 << 20}")
    connection.execute("PRAGMA cache_size = -16384")


def move_aside(path: Path, word: str, why: str, say: Say = in_the_log) -> Path:
    """Rename a file that can't be used, and have `say` tell so; what belongs to it goes with it."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    aside, number = path.with_name(f"{path.name}.{word}-{stamp}"), 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.{word}-{stamp}-{number}")
    path.rename(aside)
    for tail in ("-wal", "-shm", "-journal"):
        beside = path.with_name(path.name + tail)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + tail))
    say(f"{path} cannot be used ({why}). It was renamed to {aside.name}, and a new file is used")
    return aside
