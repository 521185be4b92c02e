"""The store in a MongoDB server."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from engineroom.ids import TaskId, msg_id
from engineroom.protocol.messages import Function
from engineroom.protocol.streams import Buffer
from engineroom.protocol.task_ranges import TaskRanges
from engineroom.store.changes import ABSENT, Change, ClientKnown, Delivered, Stopped
from engineroom.store.entry import RUNNING, WAITING, Entry
from engineroom.store.interface import Absence, Damage, LeftBehind, Store, StoreTrouble, StoreUnusable
from engineroom.store.mongo.documents import Documents
from engineroom.store.mongo.filters import filter_of, sort_of
from engineroom.store.mongo.lives import Lives
from engineroom.store.mongo.writing import MongoWriter
from engineroom.store.queries.matching import Order, arranged
from engineroom.store.queries.named import tasks_named
from engineroom.store.queries.tree import Query
from engineroom.store.ranges import TaskSet

FORMAT = 1
"""Of the documents. Those of another format are not read."""

_PATIENCE = 5000
"""Milliseconds to wait for a server, unless the options say otherwise."""

_OFTEN = 20


class MongoStore(Store):
    """Keeps tasks in collections of a MongoDB database. `life`: which life of the cluster `cluster` the new ones are
    of."""

    on_disk = True

    def __init__(
        self,
        connection_args: Sequence[Any],
        connection_kwargs: Mapping[str, Any],
        database: str,
        *,
        life: str = "",
        cluster: str = "",
        record_limit: int = 0,
        age_limit: float = 0.0,
    ) -> None:
        self._args, self._kwargs, self._database = connection_args, connection_kwargs, database
        self._life, self._cluster = life, cluster
        self._record_limit, self._age_limit = record_limit, age_limit
        self._server = _without_password(connection_args, connection_kwargs)
        self.where = f"MongoDB, database {database!r} at {self._server}"
        self._lock = threading.Lock()
        """Guards `_delivered`."""
        self._delivered = TaskSet()
        self._client: Any = None
        self._documents: Documents | None = None
        self._writer: MongoWriter | None = None
        self._lives: Lives | None = None
        self._left_behind: LeftBehind | None = None
        self._added = 1 << 62
        """Tasks since the limits were looked at; at first, many."""

    def open(self) -> None:
        try:
            import pymongo  # an extra: few have it
        except ImportError:
            raise StoreUnusable(
                "MongoDB needs pymongo, which is not installed. Run `pip install engineroom[mongo]`, or choose another "
                "database (IPController.db_class)"
            ) from None
        try:
            self._client = pymongo.MongoClient(*self._args, **{"serverSelectionTimeoutMS": _PATIENCE, **self._kwargs})
            self._client.admin.command("ping")
            self._begin(self._client[self._database])
        except StoreUnusable:
            self.close()
            raise
        except Exception as error:
            self.close()
            raise StoreUnusable(
                f"MongoDB at {self._server} can't be used: {_short(error)}. Start it, correct "
                "MongoDB.connection_args, or choose another database (IPController.db_class)"
            ) from error

    def _begin(self, database: Any) -> None:
        formats = database["engineroom_format"]
        found = formats.find_one({"_id": "format"})
        if found is None:
            formats.replace_one({"_id": "format"}, {"_id": "format", "version": FORMAT}, upsert=True)
        elif found.get("version") != FORMAT:
            raise StoreUnusable(
                f"the database {self._database!r} at {self._server} was written by another version of engineroom "
                f"(format {found.get('version')}, expected {FORMAT}). Choose another one (MongoDB.database)"
            )
        self._documents = Documents(database, self._is_delivered)
        self._documents.make_indices()
        self._lives = Lives(self._documents, self._life, self._cluster)
        self._left_behind = self._lives.begin()
        self._writer = MongoWriter(self._documents, self._life)
        with self._lock:
            for absence in self._documents.ranges("delivered"):
                self._delivered.add_ranges(absence.tasks)

    def _is_delivered(self, task: TaskId) -> bool:
        with self._lock:
            return task in self._delivered

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    @contextlib.contextmanager
    def _answers(self) -> Iterator[Documents]:
        """Have what goes wrong with the server said as trouble."""
        from pymongo.errors import PyMongoError  # it is here if the store is open

        if self._documents is None:
            raise StoreTrouble(f"{self.where} is not open")
        try:
            yield self._documents
        except PyMongoError as error:
            raise StoreTrouble(f"MongoDB at {self._server} fails: {_short(error)}") from error

    def write(self, changes: Sequence[Change]) -> None:
        with self._answers():
            assert self._writer is not None
            self._added += self._writer.write(changes)
            for change in changes:
                if isinstance(change, Delivered):
                    with self._lock:
                        self._delivered.add_ranges(change.tasks)
                elif isinstance(change, Stopped) and self._lives is not None:
                    self._lives.stopped(change.at)
            if self._added >= max(64, self._record_limit // _OFTEN if self._record_limit else 10_000):
                self._writer.keep_within(self._record_limit, self._age_limit)
                self._added = 0

    def _all(self, read: Callable[[Documents], Iterable[Any]]) -> Iterator[Any]:
        with self._answers() as documents:
            yield from read(documents)

    def left(self, damaged: Callable[[Damage], object]) -> Iterator[Entry]:
        with self._answers():
            assert self._lives is not None
            wanted = self._lives.undone()
        found = self._all(lambda documents: documents.entries(wanted, sort_of(()), None, damaged))
        return (entry for entry in found if not entry.delivered)

    def left_behind(self) -> LeftBehind | None:
        return self._left_behind

    def clients(self) -> dict[bytes, ClientKnown]:
        with self._answers() as documents:
            return documents.clients()

    def entries(self, tasks: Iterable[TaskId] | None = None) -> Iterator[Entry]:
        wanted = {} if tasks is None else {"_id": {"$in": [task.hex() for task in tasks]}}
        return self._all(lambda documents: documents.entries(wanted, sort_of(()), None))

    def select(self, query: Query, order: Order = (), limit: int | None = None, skip: int = 0) -> Iterable[Entry]:
        if tasks_named(query) is not None:
            return super().select(query, order, limit, skip)
        wanted, exact = filter_of(query)
        by = sort_of(order)
        pushed = exact and by is not None and limit is not None
        most = skip + limit if pushed and limit is not None else None
        if most == 0:
            return ()
        found = self._all(lambda documents: documents.entries(wanted, by if pushed else sort_of(()), most))
        return arranged(found, query, () if pushed else order, limit, skip)

    def function(self, digest: bytes) -> tuple[Function, list[Buffer]] | None:
        with self._answers() as documents:
            return documents.function(digest)

    def absences(self) -> Iterator[Absence]:
        with self._answers() as documents:
            for kind in ABSENT:
                yield from documents.ranges(kind)

    def expired(self) -> Iterator[TaskRanges]:
        with self._answers() as documents:
            for found in documents.ranges("expired"):
                yield found.tasks

    def known_up_to(self) -> dict[bytes, int]:
        with self._answers() as documents:
            return documents.known_up_to()

    def damages(self) -> Iterator[Damage]:
        return self._all(lambda documents: documents.damages())

    def count(self) -> int:
        with self._answers() as documents:
            return documents.count()

    def history(self) -> list[str]:
        return [msg_id(task) for task in self._all(lambda documents: documents.ids())]

    def unfinished(self) -> Iterator[Entry]:
        wanted = {"life": self._life, "state": {"$in": [WAITING, RUNNING]}}
        return self._all(lambda documents: documents.entries(wanted, sort_of(()), None))


def _without_password(args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    host = args[0] if args else kwargs.get("host", "localhost:27017")
    hosts = ", ".join(map(str, host)) if isinstance(host, list | tuple) else str(host)
    return re.sub(r"//[^@/]*@", "//", hosts)


def _short(error: Exception) -> str:
    """Return the first part of what pymongo says, without what it knows of each server."""
    return str(error).partition(", Timeout:")[0].partition(" (configured timeouts")[0][:300] or type(error).__name__
