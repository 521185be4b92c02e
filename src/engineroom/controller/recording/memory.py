"""Records in memory: what the core has noted is kept as it is, and entries are made of it when somebody asks.

So a record costs a task next to nothing. What was there when somebody asked is in the store; what has ended since is in
the ring. Both together keep to the limits of the store, which is touched by one thread alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from engineroom.controller.recording.changes import Scribe, expired, size_of
from engineroom.core.journal import Ending, Journal
from engineroom.core.sessions import Session
from engineroom.core.tasks import TASK_BYTES
from engineroom.ids import TaskId, number_of
from engineroom.machine.shared_memory.room import suffices
from engineroom.protocol.ranges import INLINE_LIMIT
from engineroom.protocol.spans import by_session
from engineroom.protocol.task_ranges import TaskRanges
from engineroom.store.changes import Change, Delivered
from engineroom.store.memory import MemoryStore
from engineroom.store.ranges import TaskSet

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from engineroom.core.state import ControllerState
    from engineroom.core.tasks import Task
    from engineroom.store.interface import Store

T = TypeVar("T")

_LOOK = 16 << 20
"""After so many bytes it is looked up whether there is memory for as much as may be kept..."""

_SCARCE = 8
"""... and if not, only this part of it may: results that are kept here are memory that engines could write again."""

_STEP = 0.05
"""The store makes room whenever the ring has grown by this part of a limit."""

_TOGETHER, _SMALL = 64, 1 << 16
"""So many tasks, of so many bytes, that end one by one are dropped together."""


class MemoryKeeper:
    """Keeps the tasks that ended last."""

    trouble = ""
    """It has none."""

    def __init__(
        self,
        state: ControllerState,
        scribe: Scribe,
        store: MemoryStore,
        suffices: Callable[[int], bool] = suffices,
    ) -> None:
        """`suffices`: whether the memory that is left does for so many bytes."""
        self._suffices = suffices
        self._state, self._scribe, self._store = state, scribe, store
        self._records, self._bytes = store.record_limit, store.size_limit
        self._spare = self._records * (TASK_BYTES + INLINE_LIMIT)
        """What the calls of so many tasks may take at most, apart from those that come as streams..."""
        self._counts_calls = self._spare > self._bytes // 4
        """... which is taken off the limit, if it is little: then they need not be counted."""
        self._most, self._unlooked = self._bytes, 0
        """The bytes that may be kept now, and how many came since that was looked up."""
        self._together = min(_TOGETHER, int(self._records * _STEP)), min(_SMALL, int(self._bytes * _STEP))
        self._batches: deque[tuple[list[Ending], int]] = deque()
        self._count = self._size = 0
        self._left = (0, 0)
        """The records and bytes that the store was told to leave to the ring..."""
        self._was_asked = False
        """... since something is in it."""
        self._retired, self._expired = TaskSet(), TaskSet()
        self._undelivered: dict[TaskId, Session] = {}
        """Of what is in the store, the tasks whose clients did not have the results."""
        self._thread: ThreadPoolExecutor | None = None

    def take(self, journal: Journal) -> None:
        """Keep what has ended since the last time."""
        ended = journal.ended
        if journal.expired:
            for tasks in journal.expired:
                self._expired.add_ranges(tasks)
            journal.expired = []
        if not ended:
            return
        journal.ended = []
        size = sum([task.large + kept.size if out is None else size_of((task, kept, out)) for task, kept, out in ended])
        if self._counts_calls:
            size += sum([task.size for task, _, _ in ended])
        self._count += len(ended)
        self._size += size
        self._append(ended, size)
        self._unlooked += size
        if self._unlooked >= _LOOK:
            self._unlooked = 0
            self._most = self._bytes if self._suffices(self._bytes) else self._bytes // _SCARCE
        room = self._room
        batches = self._batches
        while batches and (self._count - len(batches[0][0]) >= self._records or self._size > room):
            self._drop()
        if self._was_asked:
            self._have_room_made()

    @property
    def _room(self) -> int:
        return self._most - (0 if self._counts_calls else min(self._spare, self._most // 4))

    def _append(self, ended: list[Ending], size: int) -> None:
        batches, (most, largest) = self._batches, self._together
        if batches and len(batches[-1][0]) + len(ended) <= most and batches[-1][1] + size <= largest:
            before, its_size = batches[-1]
            before += ended
            batches[-1] = before, its_size + size
        else:
            batches.append((ended, size))

    def _drop(self) -> None:
        gone, size = self._batches.popleft()
        self._count -= len(gone)
        self._size -= size
        first, last = gone[0][0], gone[-1][0]
        if last.number - first.number + 1 == len(gone) and first.session is last.session:  # so nearly always
            self._retired.add_ranges(TaskRanges(first.session.id, ((first.number, last.number),)))
        else:
            for tasks in by_session(task.id for task, _, _ in gone):
                self._retired.add_ranges(tasks)

    def _have_room_made(self) -> None:
        records, size = self._left
        if self._count - records > self._records * _STEP or self._size - size > self._bytes * _STEP:
            self._left = self._count, self._size
            self._was_asked = self._count < self._records
            self._its_thread().submit(self._store.bound, self._records - self._count, self._room - self._size)

    async def ask(self, question: Callable[[Store], T]) -> T:
        """Return the answer of the store, which knows of all that has been submitted or has ended by now."""
        unfinished = [task for session in self._state.sessions.values() for task in session.tasks.values()]
        return await self._asked(question, unfinished)

    async def look_up(self, question: Callable[[Store], T]) -> T:
        """Return the answer of the store, which knows of all that has ended by now."""
        return await self._asked(question, [])

    async def change(self, make: Callable[[Store], list[Change]]) -> None:
        """Apply to the store the changes that `make` returns."""

        def write(store: Store) -> None:
            if changes := make(store):
                store.write(changes)

        await self._asked(write, [])

    async def _asked(self, question: Callable[[Store], T], unfinished: list[Task]) -> T:
        batches, self._batches = self._batches, deque()
        self._count = self._size = 0
        self._left, self._was_asked = (0, 0), True
        retired, self._retired = self._retired, TaskSet()
        late, self._expired = self._expired, TaskSet()
        return await asyncio.get_running_loop().run_in_executor(
            self._its_thread(),
            self._answer,
            batches,
            list(retired.ranges()),
            expired(late.ranges()),
            unfinished,
            question,
        )

    def _answer(
        self,
        batches: Iterable[tuple[list[Ending], int]],
        retired: list[TaskRanges],
        late: list[Change],
        unfinished: list[Task],
        question: Callable[[Store], T],
    ) -> T:
        store = self._store
        store.bound(self._records, self._most)
        store.retire(retired)
        endings = [ending for ended, _ in batches for ending in ended]
        self._undelivered.update((task.id, task.session) for task, _, _ in endings)
        store.write([*map(self._scribe.ended, endings), *self._delivered(), *late])
        store.unfinished_elsewhere = lambda: map(self._scribe.unfinished, unfinished)
        return question(store)

    def _delivered(self) -> Iterator[Change]:
        """Yield which results have arrived at their clients since the last time."""
        waiting = self._undelivered
        there = [
            task
            for task, session in waiting.items()
            if (number := number_of(task)) not in session.results
            and not any(first <= number <= last for first, last in session.dropped)
        ]
        for task in there:
            del waiting[task]
        return (Delivered(tasks) for tasks in by_session(there))

    def amend(self, make: Callable[[Store], list[Change]]) -> None:
        """Do nothing: no store in memory has been there before its controller."""

    async def kept(self) -> None:
        """Return at once: what is in memory does not survive anything."""

    def hurry(self) -> None:
        """Do nothing, for the same reason."""

    def cut_short(self) -> None:
        """Do nothing, for the same reason."""

    async def close(self) -> None:
        """End the thread."""
        if self._thread is not None:
            self._thread.shutdown(wait=False)

    def _its_thread(self) -> ThreadPoolExecutor:
        """Return the thread of the store, made now if nobody has asked for anything so far."""
        if self._thread is None:
            from concurrent.futures import ThreadPoolExecutor  # an idle controller does without

            self._thread = ThreadPoolExecutor(1, "engineroom-store")
        return self._thread
