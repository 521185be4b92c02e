"""A store that may fail for a while: meanwhile memory keeps what it should, and nobody has to wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from engineroom.ids import TaskId
from engineroom.protocol.messages import Function
from engineroom.protocol.streams import Buffer
from engineroom.protocol.task_ranges import TaskRanges
from engineroom.store.backlog import Backlog
from engineroom.store.changes import Change, ClientKnown
from engineroom.store.entry import Entry
from engineroom.store.interface import Absence, Damage, LeftBehind, Store, StoreTrouble, StoreUnusable
from engineroom.store.memory import MemoryStore
from engineroom.store.queries.matching import Order, arranged
from engineroom.store.queries.tree import ALL, Query

MOST_BYTES = 256 << 20
"""So much is kept in memory while a store fails."""

PAUSES = (1.0, 30.0)
"""Seconds between two tries: at first, and at most."""


class ShelteredStore(Store):
    """Does what `store` does; while that fails, keeps in memory what it should, and writes it later.

    `write` raises nothing. Call it now and then, with no changes as well: it tries again. `report`: is called with
    words for people when the trouble begins, and when it is over. `may_begin_without`: whether it is opened even if
    `store` can't be opened now; never if it can't be used at all. `pauses`: seconds between two tries, at first and at
    most.
    """

    def __init__(
        self,
        store: Store,
        report: Callable[[str], None],
        *,
        may_begin_without: bool,
        limit: int = MOST_BYTES,
        pauses: tuple[float, float] = PAUSES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.on_disk, self.where = store.on_disk, store.where
        self._store, self._report, self._may_begin_without = store, report, may_begin_without
        self._limit, self._pauses, self._clock = limit, pauses, clock
        self._lock = threading.Lock()
        """Guards the backlog."""
        self._backlog: Backlog | None = None
        """None: there is no trouble."""
        self._why = ""
        self._opened = False
        self._pause, self._next = pauses[0], 0.0

    @property
    def trouble(self) -> str:
        """Why it fails now, in words, "" if it does not."""
        return "" if self._backlog is None else self._why

    def open(self) -> None:
        try:
            self._store.open()
            self._opened = True
        except StoreUnusable:
            raise
        except StoreTrouble as trouble:
            if not self._may_begin_without:
                raise
            self._begin_trouble(trouble, ())

    def close(self) -> None:
        if self._backlog is not None:
            self._try_again()
        if self._backlog is not None:
            self._report(f"{self._why}. {_count(len(self._backlog))} not kept")
        self._store.close()

    def write(self, changes: Sequence[Change]) -> None:
        if self._backlog is not None:
            with self._lock:
                self._backlog.add(changes)
            if self._clock() >= self._next:
                self._try_again()
            return
        if not changes:
            return
        try:
            self._store.write(changes)
        except Exception as error:  # noqa: BLE001 -- a store may be the user's own; whatever it raises is reported
            self._begin_trouble(error, changes)

    def _begin_trouble(self, error: Exception, changes: Sequence[Change]) -> None:
        self._why = _words(error)
        backlog = Backlog(self._limit)
        backlog.add(changes)
        with self._lock:
            self._backlog = backlog
        self._pause = self._pauses[0]
        self._next = self._clock() + self._pause
        self._report(
            f"{self._why}. Tasks go on; until this is solved they are kept in memory only, at most "
            f"{self._limit >> 20} MiB of them"
        )

    def _try_again(self) -> None:
        backlog = self._backlog
        assert backlog is not None
        try:
            if not self._opened:
                self._store.open()
                self._opened = True
            self._store.write(backlog.changes(self._why, time.time()))
        except Exception as error:  # noqa: BLE001 -- as above
            self._why = _words(error)
            self._pause = min(self._pause * 2, self._pauses[1])
            self._next = self._clock() + self._pause
            return
        with self._lock:
            self._backlog = None
        gap = f"; {_count(backlog.dropped)} lost" if backlog.dropped else ""
        self._report(f"{self.where} works again: {_count(len(backlog))} written later{gap}")

    def _shelter(self) -> MemoryStore | None:
        """Return a store with what `store` lacks, None if it lacks nothing."""
        with self._lock:
            if self._backlog is None:
                return None
            changes = self._backlog.changes(self._why, 0.0)
        shelter = MemoryStore(record_limit=1 << 62, size_limit=1 << 62)
        shelter.write(changes)
        return shelter

    def select(self, query: Query, order: Order = (), limit: int | None = None, skip: int = 0) -> Iterable[Entry]:
        shelter = self._shelter()
        if shelter is None:
            return self._store.select(query, order, limit, skip)
        newer = {entry.task: entry for entry in shelter.entries()}
        most = None if limit is None else limit + skip + len(newer)
        try:
            found = {entry.task: entry for entry in self._store.select(query, order, most)}
        except StoreTrouble:
            found = {}
        both = sorted((found | newer).values(), key=lambda entry: (entry.submitted, entry.task))
        return arranged(both, query, order, limit, skip)

    def entries(self, tasks: Iterable[TaskId] | None = None) -> Iterator[Entry]:
        if self._backlog is None:
            return self._store.entries(tasks)
        wanted = None if tasks is None else set(tasks)
        return (entry for entry in self.select(ALL) if wanted is None or entry.task in wanted)

    def function(self, digest: bytes) -> tuple[Function, list[Buffer]] | None:
        shelter = self._shelter()
        found = None if shelter is None else shelter.function(digest)
        return found or (self._store.function(digest) if self._opened else None)

    def left_behind(self) -> LeftBehind | None:
        return self._store.left_behind()

    def _whole(self) -> Store:
        """Return the store, if it has all that was written. StoreTrouble: it has not."""
        if self._backlog is not None:
            raise StoreTrouble(self._why)
        return self._store

    def left(self, damaged: Callable[[Damage], object]) -> Iterator[Entry]:
        return self._whole().left(damaged)

    def clients(self) -> dict[bytes, ClientKnown]:
        return self._whole().clients()

    def undelivered(self, session: bytes, known_up_to: int) -> Iterator[Entry]:
        return self._whole().undelivered(session, known_up_to)

    def absences(self) -> Iterator[Absence]:
        shelter = self._shelter()
        yield from self._store.absences() if self._opened else ()
        yield from () if shelter is None else shelter.absences()

    def expired(self) -> Iterator[TaskRanges]:
        shelter = self._shelter()
        yield from self._store.expired() if self._opened else ()
        yield from () if shelter is None else shelter.expired()

    def damages(self) -> Iterator[Damage]:
        return self._store.damages() if self._opened else iter(())

    def known_up_to(self) -> dict[bytes, int]:
        return super().known_up_to() if self._backlog is not None else self._store.known_up_to()

    def count(self) -> int:
        return super().count() if self._backlog is not None else self._store.count()

    def size(self) -> int:
        return self._store.size() if self._opened else 0

    def history(self) -> list[str]:
        return super().history() if self._backlog is not None else self._store.history()

    def unfinished(self) -> Iterator[Entry]:
        return super().unfinished() if self._backlog is not None else self._store.unfinished()


def _count(tasks: int) -> str:
    return "1 task was" if tasks == 1 else f"{tasks} tasks were"


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, StoreTrouble) else f"{type(error).__name__}: {error}"
