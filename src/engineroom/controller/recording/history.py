"""Answers questions about what is recorded of tasks, off the loop."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, assert_never

import msgspec

from engineroom.controller.recording.account import account
from engineroom.controller.recording.entries import NOBODY_KNOWS, answer_with, what_it_called
from engineroom.controller.recording.statuses import MOST_TASKS, status_of
from engineroom.errors import EngineroomError
from engineroom.ids import TaskId, msg_id, number_of, parse_msg_id, session_of
from engineroom.protocol.history import (
    AskAudit,
    AskCall,
    AskFunction,
    AskHistory,
    AskKept,
    AskPurge,
    AskRecords,
    AskRepeated,
    AskResult,
    AskStatus,
    Count,
    FunctionBytes,
    HistoryQuestion,
)
from engineroom.protocol.messages import Answer, Ask
from engineroom.protocol.spans import count_in, tasks_in
from engineroom.protocol.streams import Buffer
from engineroom.protocol.texts import brief
from engineroom.store.changes import Change, Resubmitted
from engineroom.store.entry import buffers_of
from engineroom.store.interface import Store, purges

if TYPE_CHECKING:
    from engineroom.controller.links import Link
    from engineroom.controller.recording.recorder import Keeper, Recorder

log = logging.getLogger(__name__)

MOST_OPEN = 256
"""So many questions of one client are answered at a time; AskResult is not among them."""

NOT_RECORDED = (
    "this cluster records no tasks (c.IPController.db_class = 'NoDB'). To have them recorded, start it with another "
    "database, such as DictDB"
)

Given = tuple[Any, list[Buffer]]
"""The reply and the body of an answer."""


class HistoryQuestions:
    """Answers each as soon as it can."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._open: dict[asyncio.Task[None], Link] = {}
        self._purges: OrderedDict[tuple[bytes, int], asyncio.Task[Given]] = OrderedDict()
        """By session and number of the question: the last ones."""

    def take(self, link: Link, ask: Ask, question: HistoryQuestion) -> None:
        """Have a question answered."""
        if isinstance(question, AskResult):
            self._recorder.ends.ask(link, ask.number, question.task)
            return
        if sum(each is link for each in self._open.values()) >= MOST_OPEN:
            link.connection.send(Answer(ask.number, error=f"more than {MOST_OPEN} questions about records are open"))
            return
        task = asyncio.get_running_loop().create_task(self._answer(link, ask.number, question))
        self._open[task] = link
        task.add_done_callback(self._open.pop)

    async def _answer(self, link: Link, number: int, question: HistoryQuestion) -> None:
        try:
            self._recorder.take()
            reply, body = await self._once(link, number, question)
            answer, pieces = Answer(number, reply), body
        except EngineroomError as error:
            answer, pieces = Answer(number, error=brief(str(error))), []
        except TimeoutError:
            answer, pieces = Answer(number, error="the database is too slow: it has not written what is new"), []
        except Exception as error:
            log.exception("a question about records could not be answered")
            answer, pieces = Answer(number, error=brief(f"the records cannot be read: {error}")), []
        if not link.connection.closed:
            answer_with(link.connection, answer, pieces)

    async def _once(self, link: Link, number: int, question: HistoryQuestion) -> Given:
        """Return what is to be answered. A purge is done once: it is asked for again if the connection broke."""
        if not isinstance(question, AskPurge):
            return await self._given(question)
        purge = self._purges.get((link.identity, number))
        if purge is None:
            purge = self._purges[link.identity, number] = asyncio.create_task(self._given(question))
            if len(self._purges) > MOST_OPEN:
                self._purges.popitem(last=False)
        return await asyncio.shield(purge)

    async def _given(self, question: HistoryQuestion) -> Given:  # noqa: C901 (one match, a table of contents)
        recorder = self._recorder
        if isinstance(question, AskStatus):
            return await status_of(recorder, question.tasks), []
        keeper = recorder.keeper
        if keeper is None:
            if isinstance(question, AskPurge | AskKept):
                return Count(0), []
            raise EngineroomError(NOT_RECORDED)
        match question:
            case AskRecords():
                return await keeper.ask(lambda store: _records(store, question))
            case AskHistory():
                return await keeper.ask(_history)
            case AskCall(task=task):
                return await self._call(keeper, task)
            case AskFunction(hash=digest):
                return await self._function(keeper, digest)
            case AskPurge():
                return await self._purge(keeper, question)
            case AskRepeated(tasks=tasks, again=again):
                noted = [Resubmitted(*pair) for pair in zip(tasks, again, strict=False)]
                await keeper.change(lambda _: [*noted])
                return Count(len(noted)), []
            case AskAudit(verify=verify):
                known = {session.id: session.known_up_to for session in recorder.state.sessions.values()}
                trouble = recorder.trouble
                found = await keeper.ask(lambda store: account(store, known, trouble, verify=verify))
                return Count(0), [msgspec.msgpack.encode(found)]
            case AskKept():
                await keeper.kept()
                return Count(0), []
            case AskResult():
                raise AssertionError("it is answered elsewhere")
            case _:
                assert_never(question)

    async def _call(self, keeper: Keeper, task: TaskId) -> Given:
        state = self._recorder.state
        session = state.sessions.get(session_of(task))
        if session is not None and number_of(task) in session.tasks:
            raise EngineroomError(f"task {msg_id(task)} has not ended: only tasks that have can be submitted again")
        entry = await keeper.look_up(lambda store: next(iter(store.entries([task])), None))
        if entry is None:
            raise EngineroomError(NOBODY_KNOWS.format(msg_id(task)))
        pieces = entry.call_buffers()
        body = entry.submit.call.body
        if not isinstance(body, bytes) and not pieces:
            raise EngineroomError(f"the arguments of task {msg_id(task)} are not kept, so it cannot be submitted again")
        return what_it_called(state, entry), pieces

    async def _function(self, keeper: Keeper, digest: bytes) -> Given:
        held = self._recorder.functions.get(digest)
        found = (
            (held.function, buffers_of(held.function.body, held.body))
            if held is not None
            else await keeper.look_up(lambda store: store.function(digest))
        )
        if found is None:
            raise EngineroomError("the function of this task is not kept any more, so it cannot be submitted again")
        function, pieces = found
        return FunctionBytes(function.parts), list(pieces)

    async def _purge(self, keeper: Keeper, question: AskPurge) -> Given:
        gone: list[TaskId] = []

        def make(store: Store) -> list[Change]:
            entries = store.search(_query_of_purge(question))
            gone.extend(entry.task for entry in entries if entry.result is not None)
            return purges(gone)

        if question.everything or question.engines:
            await keeper.change(make)
        if count_in(question.tasks) > MOST_TASKS:
            raise EngineroomError(f"at most {MOST_TASKS:,} tasks can be purged at once")
        tasks = tasks_in(question.tasks)
        if tasks:

            def make_named(store: Store) -> list[Change]:
                found = [entry.task for entry in store.entries(tasks) if entry.result is not None]
                gone.extend(found)
                return purges(found)

            await keeper.change(make_named)
        return Count(len(gone)), []


def _query_of_purge(question: AskPurge) -> dict[str, Any]:
    return {} if question.everything else {"engine_id": {"$in": list(question.engines)}}


def _records(store: Store, question: AskRecords) -> Given:
    query = msgspec.msgpack.decode(question.query)
    sort = list(question.sort) or None
    found = store.find(query, question.keys, sort=sort, limit=question.limit or None, skip=question.skip)
    return Count(len(found)), [msgspec.msgpack.encode(found)]


def _history(store: Store) -> Given:
    ids = store.history()
    return Count(len(ids)), [b"".join([parse_msg_id(name) for name in ids])]
