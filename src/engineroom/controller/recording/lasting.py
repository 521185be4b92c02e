"""Records in a store that is not in memory: what the core notes is gathered, and handed to the writer in groups."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from engineroom.controller.recording.changes import Scribe, delivered, expired
from engineroom.controller.recording.held_functions import HeldFunctions
from engineroom.controller.recording.writer import IDLE, Group, Writer
from engineroom.core.inputs import whole_submit
from engineroom.core.journal import Ending, Journal, Reception
from engineroom.core.task_states import State
from engineroom.core.tasks import Task
from engineroom.protocol.messages import Status
from engineroom.protocol.task_ranges import TaskRanges
from engineroom.store.changes import Change, HeldFunction

if TYPE_CHECKING:
    from engineroom.store.interface import Store

T = TypeVar("T")

TOGETHER = 0.05
"""Seconds for which ends of tasks are gathered, to be written at once."""

SOON = 1.0
"""A task that has not ended so many seconds after its submission is written as one that goes on."""

_PATIENCE = 10.0
"""So many seconds, a question waits for what is being written."""

_BY_THEMSELVES = frozenset((Status.OK, Status.ERROR, Status.ABORTED, Status.OVERDUE))

_CLOSING = 10.0
"""So many seconds, the end of the controller waits for it."""


def _by_itself(ending: Ending) -> bool:
    """Whether a task has not ended because its engine, or one that it depends on, has."""
    return ending[1].result.outcome.status in _BY_THEMSELVES


class LastingKeeper:
    """Keeps what the core notes in a store.

    `committed(last)` is called in the loop when ends up to this one are written. `report(words)` and `idle`: as in
    `Writer`.
    """

    def __init__(
        self,
        store: Store,
        scribe: Scribe,
        functions: HeldFunctions,
        *,
        committed: Callable[[int], object],
        report: Callable[[str], object],
        idle: float = IDLE,
    ) -> None:
        self._store, self._scribe, self._functions, self._committed = store, scribe, functions, committed
        self._loop = asyncio.get_running_loop()
        self._writer = Writer(
            store,
            on_written=partial(self._in_loop, self._written),
            report=report,
            idle=idle,
        )
        self._reader = ThreadPoolExecutor(2, "engineroom-history")
        self._ended: list[Ending] = []
        self._fresh: deque[tuple[float, list[Task]]] = deque()
        self._started: list[Task] = []
        self._received: list[Reception] = []
        self._expired: list[TaskRanges] = []
        self._timer: asyncio.TimerHandle | None = None
        self._groups = self._groups_written = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._last = 0
        self._is_cut_short = False
        self._writer.start()

    @property
    def trouble(self) -> str:
        """Why some tasks are not recorded now, though the store works; "" if all are."""
        return self._writer.trouble

    def take(self, journal: Journal) -> None:
        """Have written, soon, what has been noted since the last time."""
        if journal.ended:
            self._ended += journal.ended if not self._is_cut_short else filter(_by_itself, journal.ended)
            journal.ended = []
        if journal.submitted:
            self._fresh.append((self._loop.time(), journal.submitted))
            journal.submitted = []
        if journal.started:
            self._started += journal.started
            journal.started = []
        if journal.received:
            self._received += journal.received
            journal.received = []
        if journal.expired:
            self._expired += journal.expired
            journal.expired = []
        self._last = journal.last
        if self._ended or self._received or self._started or self._expired:
            self._flush_in(TOGETHER)
        elif self._fresh:
            self._flush_in(SOON)

    def _flush_in(self, seconds: float) -> None:
        """Write what there is in so many seconds, or earlier if that is planned."""
        if self._timer is not None:
            if self._timer.when() <= self._loop.time() + seconds:
                return
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, self._flush)

    def cut_short(self) -> None:
        """Keep no ends, of those that are not written, that come of the end of the cluster."""
        self._is_cut_short = True
        self._ended = list(filter(_by_itself, self._ended))

    def hurry(self) -> None:
        """Have all of it written now, with all tasks that go on."""
        self._flush(hurry=True)

    def _flush(self, *, hurry: bool = False) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        ended, self._ended = self._ended, []
        received, self._received = self._received, []
        started, self._started = self._started, []
        expired, self._expired = self._expired, []
        submitted = self._due(hurry=hurry)
        if ended or received or started or submitted or expired:
            functions = self._functions.of([task for task, _, _ in ended], submitted)
            self._put(ended, submitted, started, received, expired, functions)
        if self._fresh:
            self._flush_in(SOON)

    def _due(self, *, hurry: bool) -> list[Task]:
        """Return the tasks that were submitted some time ago, all of whose bytes are here, and that have not ended."""
        due: list[Task] = []
        until = self._loop.time() - SOON
        later: list[Task] = []
        while self._fresh and (hurry or self._fresh[0][0] <= until):
            for task in self._fresh.popleft()[1]:
                if task.state is not State.ENDED:
                    (later if task.arrival is not None else due).append(task)
        if later:
            self._fresh.append((self._loop.time(), later))
        return due

    def _put(
        self,
        ended: list[Ending],
        submitted: list[Task],
        started: list[Task],
        received: list[Reception],
        late: list[TaskRanges],
        functions: list[HeldFunction],
    ) -> None:
        scribe, now = self._scribe, time.time()
        submits = [whole_submit(task) for task in submitted]  # here, where no task can end meanwhile

        def make() -> list[Change]:
            changes: list[Change] = [*functions, *map(scribe.submitted, submitted, submits)]
            changes += filter(None, [scribe.sent(task, now) for task in [*submitted, *started]])
            changes += map(scribe.ended, ended)
            changes += delivered(received, now)
            changes += expired(late, now)
            return changes

        self._groups += 1
        self._writer.put(
            Group(
                make,
                self._last,
                lambda: [task.id for task, _, _ in ended] + [task.id for task in submitted],
                len(ended) + len(submitted),
                sum([task.large + kept.size for task, kept, _ in ended]) + sum([task.large for task in submitted]),
            )
        )

    def _in_loop(self, act: Callable[..., object], *arguments: object) -> None:
        """Have `act` called in the loop, unless that has ended."""
        try:
            self._loop.call_soon_threadsafe(act, *arguments)
        except RuntimeError:
            return

    def _written(self, last: int, groups: int) -> None:
        self._committed(last)
        self._groups_written += groups
        while self._waiting and self._waiting[0][0] <= self._groups_written:
            future = self._waiting.popleft()[1]
            if not future.done():
                future.set_result(None)

    async def kept(self) -> None:
        """Return once all that has been submitted by now is written, or can't be; TimeoutError: that takes long."""
        self.hurry()
        await self._all_written()

    async def _all_written(self) -> None:
        if self._groups_written >= self._groups:
            return
        future: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append((self._groups, future))
        async with asyncio.timeout(_PATIENCE):
            await future

    async def ask(self, question: Callable[[Store], T]) -> T:
        """Return the answer of the store, which knows of all that has been submitted or has ended by now."""
        await self.kept()
        return await self._loop.run_in_executor(self._reader, question, self._store)

    async def look_up(self, question: Callable[[Store], T]) -> T:
        """Return the answer of the store, which knows of all that has ended by now."""
        self._flush()
        await self._all_written()
        return await self._loop.run_in_executor(self._reader, question, self._store)

    async def change(self, make: Callable[[Store], list[Change]]) -> None:
        """Have the changes written that `make` returns; it is called in the thread that writes."""
        self._flush()
        await self._all_written()  # what is changed is there
        self._groups += 1
        self._writer.put(Group(lambda: make(self._store), self._last))
        await self._all_written()

    def amend(self, make: Callable[[Store], list[Change]]) -> None:
        """Have the changes written soon that `make` returns; it is called in the thread that writes."""
        self._flush()  # what has ended by now is not committed before it is written
        self._groups += 1
        self._writer.put(Group(lambda: make(self._store), self._last))

    async def close(self) -> None:
        """Write what is left, for a bounded time, then close the store."""
        self.hurry()
        if self._timer is not None:
            self._timer.cancel()
        await self._loop.run_in_executor(self._reader, self._writer.close, _CLOSING)
        self._reader.shutdown(wait=False)
        self._store.close()
