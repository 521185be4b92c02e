"""The store in memory: the tasks that ended last, as many as its limits allow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice

from engineroom.ids import TaskId
from engineroom.protocol.messages import Function
from engineroom.protocol.streams import Buffer
from engineroom.protocol.task_ranges import TaskRanges
from engineroom.store.changes import (
    PURGED,
    RETIRED,
    Change,
    ClientKnown,
    Delivered,
    Ended,
    Expired,
    HeldFunction,
    Missed,
    Purged,
    Resubmitted,
    Sent,
    Stopped,
    Submitted,
)
from engineroom.store.entry import Attempt, Entry, buffers_of
from engineroom.store.interface import Absence, Store
from engineroom.store.ranges import TaskSet

ENTRY_BYTES = 1024
"""What an entry takes beside its payloads."""

_FEW_FUNCTIONS = 64
"""So many functions may have come since unused ones were looked for."""


class MemoryStore(Store):
    """Keeps what it is given, by reference, and makes entries of it when it is asked.

    `record_limit`, `size_limit`: so many tasks that have ended, and so many bytes, are kept; beyond that, the oldest
    ones go, `cull_fraction` of them at once. `unfinished`: where tasks that have not ended are found, if they are not
    written here. `name_of`: returns the name of a function, "" if it is not known.
    """

    where = "memory"

    def __init__(
        self,
        *,
        record_limit: int = 1024,
        size_limit: int = 128 << 20,
        cull_fraction: float = 0.1,
        unfinished: Callable[[], Iterable[Submitted | Entry]] = tuple,
        name_of: Callable[[bytes], str] = lambda _: "",
    ) -> None:
        self.record_limit, self.size_limit, self._cull_fraction = record_limit, size_limit, cull_fraction
        self._record_limit, self._size_limit = record_limit, size_limit
        """What it may keep now."""
        self.unfinished_elsewhere, self.name_of = unfinished, name_of
        self._ended: dict[TaskId, Ended] = {}
        self._open: dict[TaskId, Submitted] = {}
        self._sent: dict[TaskId, tuple[Attempt, ...]] = {}
        self._again: dict[TaskId, TaskId] = {}
        self._functions: dict[bytes, HeldFunction] = {}
        self._swept = 0
        """How many functions were left when unused ones were looked for last."""
        self._size = 0
        self._function_bytes = 0
        self._delivered, self._purged, self._retired, self._expired = TaskSet(), TaskSet(), TaskSet(), TaskSet()
        self._missed: dict[tuple[str, str], TaskSet] = {}
        """By kind, and why."""

    def write(self, changes: Sequence[Change]) -> None:
        ended, size = self._ended, self._size
        others: list[Change] = []
        before, new = len(ended), 0
        for change in changes:  # made for every task: this is all that one costs
            if type(change) is Ended:
                ended[change.task] = change
                size += change.size
                new += 1
            else:
                others.append(change)
        self._size = size
        if len(ended) != before + new:  # some came a second time
            self._size = sum(each.size for each in ended.values())
        if self._open or others:
            self._take(others, changes)
        if len(ended) > self._record_limit or self.size() > self._size_limit:
            self._cull()

    def bound(self, records: int, size: int) -> None:
        """Keep so many tasks that have ended, and so many bytes, from now on."""
        self._record_limit, self._size_limit = records, size
        if len(self._ended) > records or self.size() > size:
            self._cull()

    def retire(self, tasks: Iterable[TaskRanges]) -> None:
        """Note that these tasks are beyond the limits; they are not written here."""
        for each in tasks:
            self._retired.add_ranges(each)

    def _take(self, others: Sequence[Change], changes: Sequence[Change]) -> None:
        for change in others:
            self._apply(change)
        for change in changes:
            if isinstance(change, Ended):
                self._open.pop(change.task, None)
                self._sent.pop(change.task, None)

    def _apply(self, change: Change) -> None:
        match change:
            case Submitted() | Sent():
                self._begin(change)
            case Delivered() | Expired():
                (self._delivered if isinstance(change, Delivered) else self._expired).add_ranges(change.tasks)
            case Resubmitted():
                self._again[change.task] = change.again
            case Purged():
                self._purge(change)
            case Missed():
                self._missed.setdefault((change.kind, change.why), TaskSet()).add_ranges(change.tasks)
            case HeldFunction():
                self._hold(change)
            case Ended() | ClientKnown() | Stopped():
                pass  # `write` has taken it; or it is of no use once the controller has ended

    def _begin(self, change: Submitted | Sent) -> None:
        if change.task in self._ended:
            return
        if isinstance(change, Submitted):
            self._open.setdefault(change.task, change)
        else:
            self._sent[change.task] = change.tried()

    def _purge(self, change: Purged) -> None:
        wanted = TaskSet()
        wanted.add_ranges(change.tasks)
        gone = [task for task in self._ended if task in wanted]
        self._forget(gone)
        self._purged.add(gone)

    def _forget(self, tasks: Iterable[TaskId]) -> None:
        for task in tasks:
            self._size -= self._ended.pop(task).size
            self._again.pop(task, None)

    def _cull(self) -> None:
        """Let the oldest tasks go, until the limits are kept, and some more: not each task is to come here."""
        oldest: list[TaskId] = []
        while self._ended and (len(self._ended) > self._record_limit or self.size() > self._size_limit):
            count = len(self._ended)
            over = max(0, count - self._record_limit)
            some = list(islice(self._ended, max(1, over + int((count - over) * self._cull_fraction))))
            self._forget(some)
            oldest += some
        self._retired.add(oldest)
        if len(self._functions) > self._swept + max(_FEW_FUNCTIONS, self._swept // 4):
            self._sweep()

    def _hold(self, change: HeldFunction) -> None:
        if change.function.hash not in self._functions:  # the same hash: the same bytes
            self._functions[change.function.hash] = change
            self._function_bytes += _bytes_of(change)

    def _sweep(self) -> None:
        """Let functions go that no task names."""
        used: set[bytes] = set()
        for each in chain(self._ended.values(), self._unfinished()):
            used.add(each.submit.call.function)
        for digest in list(used):
            held = self._functions.get(digest)
            if held is not None:
                used.update(held.function.parts or ())
        self._functions = {digest: held for digest, held in self._functions.items() if digest in used}
        self._function_bytes = sum(map(_bytes_of, self._functions.values()))
        self._swept = len(self._functions)

    def entries(self, tasks: Iterable[TaskId] | None = None) -> Iterator[Entry]:
        unfinished = {each.task: each for each in self._unfinished() if each.task not in self._ended}
        both: list[Submitted | Entry | Ended] = []
        if tasks is None:
            both = [*self._ended.values(), *unfinished.values()]
        else:
            for task in tasks:
                found = self._ended.get(task) or unfinished.get(task)
                if found is not None:
                    both.append(found)
        both.sort(key=lambda each: (each.submitted, each.task))
        return map(self._entry, both)

    def _unfinished(self) -> Iterable[Submitted | Entry]:
        return chain(self._open.values(), self.unfinished_elsewhere())

    def _entry(self, of: Submitted | Entry | Ended) -> Entry:
        entry = of if isinstance(of, Entry) else of.entry()
        digest = entry.submit.call.function
        held = self._functions.get(digest)
        entry.function = self.name_of(digest) if held is None else held.function.name
        if isinstance(of, Entry):
            return of
        if isinstance(of, Submitted):
            entry.attempts = self._sent.get(of.task, ())
        entry.resubmitted = self._again.get(of.task)
        entry.delivered = of.task in self._delivered
        return entry

    def function(self, digest: bytes) -> tuple[Function, list[Buffer]] | None:
        held = self._functions.get(digest)
        return None if held is None else (held.function, buffers_of(held.function.body, held.body))

    def absences(self) -> Iterator[Absence]:
        for kind, which in ((PURGED, self._purged), (RETIRED, self._retired)):
            for tasks in which.ranges():
                yield Absence(kind, tasks)
        for (kind, why), missed in self._missed.items():
            for tasks in missed.ranges():
                yield Absence(kind, tasks, why=why)

    def expired(self) -> Iterator[TaskRanges]:
        return self._expired.ranges()

    def count(self) -> int:
        return len(self._ended) + sum(1 for _ in self._unfinished())

    def size(self) -> int:
        return self._size + self._function_bytes + ENTRY_BYTES * len(self._ended)


def _bytes_of(held: HeldFunction) -> int:
    body = held.function.body
    return len(body) if isinstance(body, bytes) else body.size
