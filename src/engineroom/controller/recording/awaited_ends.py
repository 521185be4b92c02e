"""Clients that want results of tasks which other clients submitted: told when these end, or at once if they have."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from engineroom.controller.recording.entries import NOBODY_KNOWS, answer_end, entry_of_result
from engineroom.core.journal import Ending
from engineroom.ids import TaskId, msg_id, number_of, session_of
from engineroom.protocol.messages import Answer
from engineroom.store.entry import Entry

if TYPE_CHECKING:
    from engineroom.controller.links import Link
    from engineroom.controller.recording.recorder import Recorder
    from engineroom.store.interface import Store

log = logging.getLogger(__name__)

MOST = 200_000
"""So many ends may be waited for, by all clients together."""


_NO_TASK = TaskId(b"")


class Waiter(NamedTuple):
    """Who waits for the end of a task, by which question."""

    link: Link
    number: int


class AwaitedEnds:
    """The ends that are waited for."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.waiting: dict[TaskId, list[Waiter]] = {}
        """Of tasks that have not ended."""
        self._count = 0
        self._sought: dict[TaskId, list[Waiter]] = {}
        """Of tasks that are looked for in the store."""
        self._seeking: asyncio.Task[None] | None = None

    def ask(self, link: Link, number: int, task: TaskId) -> None:
        """Tell `link` how `task` ended, once it has; in the answer to the question with this `number`."""
        if self._count >= MOST:
            link.connection.send(Answer(number, error=f"more than {MOST} results of other clients are waited for"))
            return
        self._count += 1
        waiter, state = Waiter(link, number), self._recorder.state
        session = state.sessions.get(session_of(task))
        if session is not None and (number_of(task) in session.tasks or number_of(task) in session.unsent):
            self.waiting.setdefault(task, []).append(waiter)
            state.recording = True
            return
        self._sought.setdefault(task, []).append(waiter)
        if self._seeking is None:
            self._seeking = asyncio.get_running_loop().create_task(self._seek())

    def look(self, endings: Iterable[Ending]) -> None:
        """Tell those who wait for one of these tasks, which have ended."""
        waiting = self.waiting
        for ending in endings:
            waiters = waiting.pop(ending[0].id, None)
            if waiters is not None:
                self._tell(waiters, self._recorder.scribe.ended(ending).entry())

    def gone(self, link: Link) -> None:
        """Forget what this client waits for."""
        for of in (self.waiting, self._sought):
            for task, waiters in list(of.items()):
                left = [waiter for waiter in waiters if waiter.link is not link]
                self._count -= len(waiters) - len(left)
                if left:
                    of[task] = left
                else:
                    del of[task]

    async def _seek(self) -> None:
        """Look for tasks that have ended: all that are asked for at once, together."""
        try:
            while self._sought:
                sought, self._sought = self._sought, {}
                found = await self._found(list(sought))
                for task, waiters in sought.items():
                    self._tell(waiters, found.get(task), task)
        finally:
            self._seeking = None

    async def _found(self, tasks: list[TaskId]) -> dict[TaskId, Entry]:
        self._recorder.take()
        found: dict[TaskId, Entry] = {}
        if self._recorder.keeper is not None:

            def look_up(store: Store) -> list[Entry]:
                return [entry for entry in store.entries(tasks) if entry.result is not None]

            try:
                found = {entry.task: entry for entry in await self._recorder.keeper.look_up(look_up)}
            except Exception:  # a store may be anybody's
                log.exception("tasks could not be looked up in the database")
        for task in tasks:
            if task not in found and (entry := entry_of_result(self._recorder.state, task)) is not None:
                found[task] = entry
        return found

    def _tell(self, waiters: list[Waiter], entry: Entry | None, task: TaskId = _NO_TASK) -> None:
        self._count -= len(waiters)
        for link, number in waiters:
            if link.connection.closed:
                continue
            if entry is None:
                link.connection.send(Answer(number, error=NOBODY_KNOWS.format(msg_id(task))))
            else:
                answer_end(link.connection, number, entry)
