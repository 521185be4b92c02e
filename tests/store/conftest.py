"""The stores that every test of a store's behaviour runs against."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import pytest

from engineroom.ids import TaskId
from engineroom.store.changes import Change, Delivered, Ended, Purged, Sent, Submitted
from engineroom.store.entry import Entry
from engineroom.store.interface import Store
from engineroom.store.memory import MemoryStore
from engineroom.store.mongo.store import MongoStore
from engineroom.store.ranges import TaskSet
from engineroom.store.sqlite.store import SQLiteStore


class ListStore(Store):
    """A store as a user may write one: it has what a store must have, and no more."""

    def __init__(self) -> None:
        self.kept: dict[TaskId, Entry] = {}
        self.delivered = TaskSet()

    def write(self, changes: Sequence[Change]) -> None:
        for change in changes:
            match change:
                case Submitted() if change.task not in self.kept:
                    self.kept[change.task] = change.entry()
                case Sent() if self.kept[change.task].result is None:
                    self.kept[change.task].attempts = change.tried()
                case Ended():
                    self.kept[change.task] = change.entry()
                case Delivered():
                    self.delivered.add_ranges(change.tasks)
                case Purged():
                    gone = TaskSet()
                    gone.add_ranges(change.tasks)
                    self.kept = {
                        task: entry for task, entry in self.kept.items() if task not in gone or entry.result is None
                    }

    def entries(self, tasks: Iterable[TaskId] | None = None) -> Iterator[Entry]:
        wanted = self.kept if tasks is None else set(tasks)
        found = [entry for task, entry in self.kept.items() if task in wanted]
        for entry in found:
            entry.delivered = entry.task in self.delivered
        return iter(sorted(found, key=lambda entry: (entry.submitted, entry.task)))


class Make(Protocol):
    def __call__(self, *, again: bool = False) -> Store: ...


MAKERS: dict[str, Callable[[Path], Store]] = {
    "memory": lambda _: MemoryStore(),
    "own": lambda _: ListStore(),
    "sqlite": lambda place: SQLiteStore(place / "tasks.db", "tasks"),
}

if MONGODB := os.environ.get("ENGINEROOM_TEST_MONGODB"):
    MAKERS["mongo"] = lambda place: MongoStore([MONGODB], {}, f"engineroom-test-{zlib.crc32(str(place).encode())}")


@pytest.fixture(scope="session", autouse=True)
def no_database_is_left() -> Iterator[None]:
    """Remove the databases of the tests from the server that was named, if one was."""
    yield
    if MONGODB:
        import pymongo  # where such tests run

        with pymongo.MongoClient(MONGODB) as client:
            for name in client.list_database_names():
                if name.startswith("engineroom-test-"):
                    client.drop_database(name)


@pytest.fixture(params=MAKERS)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """What makes and opens a store of each kind; `again`: one on disk has what the one before has kept."""
    opened: list[Store] = []
    places = [tmp_path / "0"]

    def make(*, again: bool = False) -> Store:
        for earlier in opened:
            earlier.close()
        if not again:
            places.append(tmp_path / str(len(places)))
        store = MAKERS[request.param](places[-1])
        store.open()
        opened[:] = [store]
        return store

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def store(make: Make) -> Store:
    return make()
