"""Applies the controller's messages to the state. Runs in the I/O thread."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from engineroom.client.connection.acknowledgements import Acknowledgements
from engineroom.ids import TaskId, number_in
from engineroom.protocol.closing import Closing
from engineroom.protocol.messages import (
    COMMS,
    Answer,
    Apart,
    Display,
    Ended,
    EngineJoined,
    EngineLeft,
    EngineSilent,
    KeptRan,
    LetGo,
    NeedFunction,
    Notice,
    Outcome,
    Output,
    Refused,
    Result,
    Status,
    SubmitAgain,
    Synced,
    TasksStarted,
)
from engineroom.protocol.streams import Payload
from engineroom.protocol.task_ranges import TaskRanges, numbers_in
from engineroom.transport import bodies

if TYPE_CHECKING:
    from engineroom.client.state.state import State
    from engineroom.client.state.tasks import Task
    from engineroom.transport.connection import Connection


log = logging.getLogger(__name__)


class Sender(Protocol):
    """What the controller's messages have a client send, or do with its connection."""

    @property
    def connection(self) -> Connection:
        """The connection that they came over."""

    def send_function(self, digest: bytes) -> None:
        """The controller lacks a function: send it, if a task still needs it."""

    def acknowledge_soon(self) -> None:
        """Acknowledge soon what has arrived."""

    def acknowledge_later(self) -> None:
        """The same, from any thread."""

    def synchronized(self) -> None:
        """The controller has announced all its engines."""

    def refused(self, reason: str) -> None:
        """The controller has closed this connection for good."""

    def lost(self, reason: str, *, clean: bool) -> None:
        """The connection is gone."""


class Inbox:
    """The receiver of a client's connections."""

    def __init__(self, state: State, sender: Sender) -> None:
        self._state, self._sender, self._id = state, sender, state.id
        self._recent = state.recent
        self.acknowledgements = Acknowledgements(state.outgoing.first_unfinished, state.pins)
        state.pins.tell = sender.acknowledge_later
        self._handlers: dict[type, Callable[[Any], None]] = {
            Answer: self._answer,
            Display: self._output,
            Ended: self._ended,
            EngineJoined: state.engines.joined,
            EngineLeft: state.engines.departed,
            EngineSilent: state.engines.silent.heard_of,
            KeptRan: state.kept.ran,
            LetGo: self._let_go,
            Notice: lambda message: log.warning("%s", message.text),
            NeedFunction: lambda message: sender.send_function(message.hash),
            Output: self._output,
            Refused: lambda message: sender.refused(message.reason),
            SubmitAgain: self._submit_again,
            Synced: self._synced,
            TasksStarted: self._started,
        }

    def on_messages(self, messages: list[Any]) -> None:
        now = time.time()
        unfinished, others, ended = self._state.tasks, self._state.others, []
        # Held for the whole batch: those who wait see each task's end exactly once, at the cost of one lock.
        with self._state.condition:
            for message in messages:
                if type(message) is Result:
                    body = message.body
                    if not isinstance(body, bytes):
                        self._receive(message, body)
                        continue
                    number = number_in(self._id, message.task)
                    task = unfinished.pop(number, None)
                    if number:  # again, if it came twice, as it may after a broken connection; 0: it is not ours
                        self.acknowledgements.add(number)
                    else:
                        others.ended(message.task, message.engine, message.outcome, body)
                    if task is not None:
                        self._end(task, message.engine, message.outcome, body, now)
                        ended.append(message)
                else:
                    handle = self._handlers.get(type(message))
                    if handle is not None:
                        handle(message)
            self._recent.hear(now, ended)
            self._state.changed()
        if self.acknowledgements:
            self._sender.acknowledge_soon()

    def rest_of_end(self, number: int, message: Result, now: float) -> None:
        """Do what is left to be done once a thread that waited has entered the end of its task; in any thread."""
        with self._state.lock:
            self._recent.hear(now, [message])
            if isinstance(message.body, bytes):
                self._state.pins.is_here(number, message.body)
            self._state.room.tell()
            self._state.changed()
        self.acknowledgements.add(number)
        self._sender.acknowledge_later()

    def on_closed(self, closing: Closing) -> None:
        self._sender.lost(closing.words, clean=closing.clean)

    def _synced(self, _: Synced) -> None:
        self._state.engines.end_refresh()
        self._sender.synchronized()

    def _receive(self, message: Result, body: Apart) -> None:
        """Take a result that comes as a stream; it counts once it is complete."""
        number = number_in(self._id, message.task)
        if not number and message.task in self._state.others.tasks:
            self._take_stream(body, partial(self._state.others.ended, message.task, message.engine, message.outcome))
            return
        if number not in self._state.tasks:
            self._sender.connection.refuse_stream(body, "this result has already arrived")
            if number:
                self.acknowledgements.add(number)
            return

        def end(payload: Payload) -> None:
            self.acknowledgements.add(number)
            task = self._state.tasks.pop(number, None)
            if task is not None:
                if message.outcome.status == Status.OK:
                    task.stay = self._state.pins.begin_stay(number, payload.size)
                self._end(task, message.engine, message.outcome, payload, time.time())

        self._take_stream(body, end, self._sender.acknowledge_soon)

    def _take_stream(
        self, body: Apart, take: Callable[[Payload], object], afterwards: Callable[[], object] | None = None
    ) -> None:
        """Have `take` called once all of a stream is here, and then `afterwards`, without the session's condition; or
        `take` at once if the stream cannot be taken: who reads it is told."""

        def whole(payload: Payload) -> None:
            with self._state.condition:
                take(payload)
                self._state.changed()
            if afterwards is not None:
                afterwards()

        payload = bodies.receive(self._sender.connection, body, whole=whole)
        if payload.error is not None:
            take(payload)

    def _answer(self, answer: Answer) -> None:
        body = answer.body
        if isinstance(body, bytes):
            self._answered(answer, body)
        else:
            self._take_stream(body, partial(self._answered, answer))

    def _answered(self, answer: Answer, body: bytes | Payload) -> None:
        self._state.others.answered(answer, body)  # first: whoever waits finds it there
        state = self._state
        if not (state.foreign.answered(answer, body) or state.questions.answered(answer, body)) and answer.error:
            state.kept.refused(answer)

    def _ended(self, message: Ended) -> None:
        """End many tasks alike; the condition is held, once for all of them."""
        others, is_gone = self._state.others, message.engine < 0 and message.outcome.status == Status.LOST
        for task_id in self._ids_of_others(message.tasks):
            if is_gone:
                others.is_gone(task_id, message.outcome)
            else:
                others.ended(task_id, message.engine, message.outcome, b"")
        now = time.time()
        numbers = list(filter(None, self._numbers(message.tasks)))
        self.acknowledgements.add_all(numbers)
        unfinished, engine, outcome = self._state.tasks, message.engine, message.outcome
        for number in numbers:
            task = unfinished.pop(number, None)
            if task is not None:
                self._end(task, engine, outcome, b"", now)
                self._recent.copy(task)

    def _end(self, task: Task, engine: int, outcome: Outcome, payload: bytes | Payload, now: float) -> None:
        """End a task that is on no list any more."""
        task.outcome, task.payload, task.received = outcome, payload, now
        if task.inputs or self._state.pins.some:
            self._state.inputs_ended(task)
        if engine >= 0:
            task.engine = engine
        if task.target < 0:
            task.instance = self._state.engines.instance(task.engine)
        request, task.request = task.request, None
        if request is not None:
            self._state.release(request)
            if outcome.status:
                self._not_well(task, outcome)
        owner, task.listener = task.listener, None
        if task.output is not None and not task.output.is_empty:
            self._recent.copy(task)
        if owner is not None:
            owner._task_done(task)

    def _let_go(self, message: LetGo) -> None:
        """Too much stays in the controller."""
        for number in self._numbers(message.tasks):
            self._state.pins.end_stay(number)

    def _not_well(self, task: Task, outcome: Outcome) -> None:
        self._state.failures.note(task.number)
        if outcome.status == Status.NO_ENGINE:
            task.nowhere(self._state.engines.nobody(outcome.error))

    def _numbers(self, tasks: TaskRanges) -> Iterable[int]:
        """Return which tasks of this session are meant: none, if it is about another one."""
        return numbers_in(tasks.ranges) if tasks.session == self._id else ()

    def _ids_of_others(self, tasks: TaskRanges) -> Iterable[TaskId]:
        """Return which tasks of others are meant."""
        return tuple(tasks.tasks()) if tasks.session != self._id and self._state.others.tasks else ()

    def _submit_again(self, message: SubmitAgain) -> None:
        self._state.submit_again(self._numbers(message.tasks))

    def _output(self, message: Output | Display) -> None:
        task = self._state.tasks.get(number_in(self._id, message.task))
        if task is None:
            for its in self._state.others.wrote(message):
                self._hear_comms(message, its)
            self._state.foreign.wrote(message)
        elif task.its_output().add(message):
            self._hear_comms(message, task)

    def _hear_comms(self, message: Output | Display, task: Task) -> None:
        if type(message) is Display and message.kind in COMMS:
            self._state.comms.heard(message, task, task.msg_id(self._id))

    def _started(self, message: TasksStarted) -> None:
        self._state.others.started(self._ids_of_others(message.tasks), message.engine)
        for number in self._numbers(message.tasks):
            task = self._state.tasks.get(number)
            if task is None:
                continue
            task.engine = message.engine
            if not task.started:
                task.started = time.time()
                if task.listener is not None:
                    task.listener._task_started(task)
