"""The records of a cluster that does not run: those in its database file, which is only read."""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from engineroom.cli.expected import may_run
from engineroom.cluster.plan.databases import store_config
from engineroom.controller.recording.account import account
from engineroom.errors import RemoteError
from engineroom.serialize.failures.packing import unpack_failure
from engineroom.settings.cluster import Asking
from engineroom.settings.controller import IPController
from engineroom.settings.option import OptionError
from engineroom.settings.reading import read_application
from engineroom.store.config import SQLiteFile, name_of_cluster
from engineroom.store.entry import Entry
from engineroom.store.sqlite.lives import clusters_with_tasks, latest_table
from engineroom.store.sqlite.store import SQLiteStore

_MOST_IDS = 10


def records_in_file(app: Asking, *, answers: bool | None = None) -> RecordsInFile | None:
    """Return the records of the cluster that the options name, if it does not run and its tasks are in a file; else
    None. `answers`: whether its controller does, None: nobody has asked it. StoreTrouble: the file can't be read."""
    if app.url_file or (answers is None and may_run(app)):
        return None
    file = _file(app)
    if file is None or not Path(file.path).exists():
        return None
    path, cluster = Path(file.path), name_of_cluster(app.profile_directory.security_dir, app.cluster_id)
    table = file.table or latest_table(path, cluster)
    return None if table is None else RecordsInFile(SQLiteStore(path, table, read_only=True))


def ids_in_file(app: Asking) -> str:
    """Return in words for which ids of clusters the file has tasks, "" if it has none. StoreTrouble: as above."""
    file = None if app.url_file else _file(app)
    if file is None or not Path(file.path).exists():
        return ""
    ours = name_of_cluster(app.profile_directory.security_dir, "")
    found = [name.removeprefix(ours) for name in clusters_with_tasks(Path(file.path)) if name.startswith(ours)]
    if not found:
        return ""
    more = f" and {len(found) - _MOST_IDS} more" if len(found) > _MOST_IDS else ""
    return (
        f"{file.path} has tasks of these cluster ids, the latest first: {', '.join(map(repr, found[:_MOST_IDS]))}"
        f"{more}. To read them, add --cluster-id=ID, such as --cluster-id={found[0]}"
    )


def _file(app: Asking) -> SQLiteFile | None:
    """Return the file that the profile says the controller writes, or would write."""
    arguments = [f"--profile-dir={app.profile_directory.path}", "--IPController.db_class=SQLiteDB"]
    arguments += app.after_dashes
    try:
        config = store_config(read_application(IPController, arguments))
    except OptionError:
        return None
    return config if isinstance(config, SQLiteFile) else None


class RecordsInFile:
    """What a client would answer if the cluster ran."""

    def __init__(self, store: SQLiteStore) -> None:
        self._store = store

    def __enter__(self) -> Self:
        self._store.open()
        print(f"no controller is running; reading {self._store.where}", file=sys.stderr)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._store.close()

    def db_query(
        self, query: dict[str, Any], keys: Any = None, *, sort: Any = None, limit: int | None = None
    ) -> list[dict[str, Any]]:
        """Return the records that match `query`, as `Client.db_query` does."""
        return self._store.find(query, keys, sort=sort, limit=limit)

    def traceback_of(self, name: str) -> str:
        """Return the traceback of the error with which a task ended, "" if there is none."""
        entry = self._store.get(name)
        error = None if entry is None else _error(entry)
        return error.traceback if isinstance(error, RemoteError) else ""

    def audit(self, *, verify: bool) -> dict[str, Any]:
        """Return the account of all tasks, as the controller would."""
        return account(self._store, {}, "", verify=verify)


def _error(entry: Entry) -> BaseException | None:
    packed = b"".join(entry.result_buffers())
    return unpack_failure(packed) if packed and entry.state == "failed" else None
