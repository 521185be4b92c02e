"""A controller, and its engines, in the client's own loop: what the client says is recorded, calls are run at once.

`tests/system/test_contract_of_controllers.py` holds the same conversations with this one and with a real one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from engineroom.client.client import Client, client_of
from engineroom.client.connection.session import Session
from engineroom.errors import ConnectionFailed
from engineroom.ids import INSTANCE_BYTES, Epoch, Instance, TaskId, new_epoch, number_of, session_of, task_id
from engineroom.protocol.closing import Closing
from engineroom.protocol.history import AskPurge, AskRecords, AskResult, AskStatus, Count, HowItEnded, StatusOf
from engineroom.protocol.messages import (
    PROTOCOL,
    Abort,
    Answer,
    Ask,
    Delivered,
    EngineInfo,
    EngineJoined,
    EngineLeft,
    Function,
    Join,
    Keep,
    Kind,
    NeedFunction,
    Outcome,
    Result,
    Status,
    Stream,
    Submit,
    Sync,
    Synced,
    Welcome,
)
from engineroom.protocol.questions import AboutTask, AskSteps, AskTask, KnownStep, KnownSteps, Question, Queues, Reply
from engineroom.protocol.spans import spans_of, tasks_in
from engineroom.protocol.streams import Payload
from engineroom.protocol.task_ranges import numbers_in
from engineroom.serialize.failures.packing import pack_failure
from engineroom.serialize.functions.packing import unpack_call
from engineroom.serialize.functions.table import FunctionTable
from engineroom.serialize.payloads import pack, unpack
from engineroom.transport import bodies
from engineroom.transport.connection import Connection
from engineroom.transport.memory import memory_pair
from tests.conftest import wait_until
from tests.patience import SECONDS


def tasks_of(submit: Submit) -> list[TaskId]:
    """Return the ids of the tasks that `submit` asks for."""
    count = 1 if submit.to is None else len(submit.to) // INSTANCE_BYTES
    return [task_id(session_of(submit.task), number_of(submit.task) + more) for more in range(count)]


class FakeController:
    """Lets a client in, and answers its tasks: at once, or while `holding` when `answer` is called.

    `forgetful`: after a cut it knows nothing of what was before, as one that was started again, unless `known_up_to` is
    set; else it knows which tasks have arrived, and keeps their results until they are acknowledged.
    """

    def __init__(self, engines: int = 2, *, forgetful: bool = True) -> None:
        self.forgetful = forgetful
        self._arrived: set[TaskId] = set()
        self._kept: dict[TaskId, Callable[[], None]] = {}
        self.engines = list(range(engines))
        self.namespaces: dict[int, dict[str, Any]] = {engine: {} for engine in self.engines}
        self.seconds = 0.5
        """What each task is said to have taken."""
        self.holding = False
        self.held: list[tuple[Submit, Payload | None]] = []
        self.heard: list[Any] = []
        self.joins: list[Join] = []
        self.known_up_to = 0
        self.reachable = True
        self.epoch: Epoch = new_epoch()
        self.connection: Connection | None = None
        self.info = EngineInfo()
        self.heartbeat = 0.0
        self.steps: list[KnownStep] = []
        self.about = AboutTask("queued", "")
        self.queues, self.deaf = Queues((), 0), False
        """What it says of its engines; and whether it answers no questions."""
        self._functions = FunctionTable()
        self._parts: dict[bytes, Sequence[bytes]] = {}
        self._turn = 0
        self._aborted: set[TaskId] = set()
        self.refusal = ""
        """Why it keeps no calls."""
        self.recorded: dict[TaskId, tuple[Outcome, Any, int]] = {}
        self.records: list[dict[str, Any]] = []
        """What it answers to every query for records."""
        """How tasks ended; of those of other clients, whatever a test puts there."""

    async def wait(self, seconds: float) -> None:
        """Be a `Dial`: there is no file to wait for."""

    def over(self) -> str:
        """Be a `Dial`: it may always be back."""
        return ""

    def close(self) -> None:
        """Be a `Dial`: there is nothing to let go of."""

    async def __call__(self, join: Join, seconds: float) -> tuple[Connection, Welcome]:
        del seconds
        self.joins.append(join)
        self.loop = asyncio.get_running_loop()
        if not self.reachable:
            raise ConnectionFailed("no way to the controller: it is turned off")
        mine, theirs = await self.pair()
        self.connection = mine
        mine.start(self)
        for engine in self.engines:
            self.join(engine)
        known = self.known_up_to if self.forgetful else max(map(number_of, self._arrived), default=0)
        for send_again in tuple(self._kept.values()):
            send_again()
        return theirs, Welcome(self.epoch, PROTOCOL, window=mine.window, known_up_to=known, heartbeat=self.heartbeat)

    async def pair(self) -> tuple[Connection, Connection]:
        """Return both ends of a new connection: this one's, and the client's."""
        return memory_pair("client")

    def join(self, engine: int, instance: bytes = b"") -> None:
        self.send(EngineJoined(engine, Instance(instance or bytes([engine]) * 16), self.info))

    def leave(self, engine: int, cause: str) -> None:
        self.send(EngineLeft(engine, Instance(bytes([engine]) * 16), cause))

    def send(self, message: Any) -> None:
        assert self.connection is not None
        self.connection.send(message)

    def do(self, act: Callable[..., object], *args: Any) -> None:
        """Have `act(*args)` done in the client's loop, from any thread."""
        self.loop.call_soon_threadsafe(act, *args)

    def cut(self) -> None:
        """Cut the connection, as a network does; in the client's loop only."""
        assert self.connection is not None
        self.connection.transport.close()

    def heard_of(self, kind: type) -> list[Any]:
        return [message for message in tuple(self.heard) if type(message) is kind]

    def on_messages(self, messages: list[Any]) -> None:
        for message in messages:
            self.heard.append(message)
            match message:
                case Submit():
                    self._submitted(message)
                case Function():
                    self._function(message)
                case Sync():
                    self.send(Synced())
                case Ask() | Keep():
                    self._asked(message)
                case Abort(tasks=ranges):
                    self._abort(list(ranges.tasks()))
                case Delivered():
                    self._delivered(message)

    def _asked(self, message: Ask | Keep) -> None:
        if self.deaf:
            return
        if isinstance(message, Keep):
            self.send(Answer(message.number, error=self.refusal))
        elif isinstance(message.question, AskResult):
            self.tell_end(message.number, message.question.task)
        elif isinstance(message.question, AskRecords):
            found = msgspec.msgpack.encode(self.records)
            self.send(Answer(message.number, Count(len(self.records)), body=found))
        else:
            self.send(Answer(message.number, self._reply(message.question)))

    def tell_end(self, number: int, task: TaskId) -> None:
        """Answer how a task ended, if it has."""
        if task not in self.recorded:
            return
        outcome, payload, engine = self.recorded[task]
        reply = HowItEnded(int(outcome.status), outcome.started, outcome.seconds, outcome.error, 0, engine=engine)
        assert self.connection is not None
        bodies.send(self.connection, Answer(number, reply), payload)

    def _status(self, question: AskStatus) -> StatusOf:
        tasks = tasks_in(question.tasks)
        known = [task for task in tasks if task in self.recorded]
        return StatusOf((), spans_of(known), spans_of(set(tasks) - set(known)))

    def _reply(self, question: Question) -> Reply:
        if isinstance(question, AskTask):
            return self.about
        if isinstance(question, AskStatus):
            return self._status(question)
        if isinstance(question, AskPurge):
            return Count(0)
        return KnownSteps(tuple(self.steps)) if question == AskSteps() else self.queues

    def on_closed(self, closing: Closing) -> None:
        pass

    def answer(self, count: int = 1) -> None:
        """Run the `count` oldest held tasks, once they are here; from any thread but the client's."""
        assert wait_until(lambda: self._whole() >= count), "the tasks did not come"
        self.do(self._answer, count)

    def go_on(self) -> None:
        """Run what is held, and hold nothing more; in the client's loop only."""
        self.holding = False
        self._run_what_is_here()

    def _answer(self, count: int) -> None:
        taken, self.held = self.held[:count], self.held[count:]
        for submit, body in taken:
            self._run_all(submit, body)

    def forget_functions(self) -> None:
        self._functions = FunctionTable()

    def _delivered(self, message: Delivered) -> None:
        told = set(numbers_in(message.also))
        for task in tuple(self._kept):
            if number_of(task) <= message.up_to or number_of(task) in told:
                del self._kept[task]

    def result(self, task: Any, outcome: Outcome, payload: Any = b"", engine: int = -1) -> None:
        self.recorded[task] = (outcome, payload, engine)
        if not self.forgetful:
            self._kept[task] = lambda: self._result(task, outcome, payload, engine)
        self._result(task, outcome, payload, engine)

    def _result(self, task: Any, outcome: Outcome, payload: Any, engine: int) -> None:
        if isinstance(payload, bytes):
            self.send(Result(task, engine, outcome, payload))
        else:
            assert self.connection is not None
            bodies.send(self.connection, Result(task, engine, outcome), payload)

    def _function(self, message: Function) -> None:
        self._parts[message.hash] = message.parts or ()
        if isinstance(message.body, Stream):
            self._receive(message.body, lambda body: self._function_came(message.hash, body.buffer()))
        else:
            self._function_came(message.hash, message.body)

    def _function_came(self, digest: bytes, body: Any) -> None:
        self._functions.add(digest, body)
        if not self.holding:
            self._run_what_is_here()

    def _run_what_is_here(self) -> None:
        taken, self.held = self.held, []
        for submit, held in taken:
            if self._is_here(submit.call.function):
                self._run_all(submit, held)
            else:
                self.held.append((submit, held))

    def _whole(self) -> int:
        return sum(self._is_here(submit.call.function) for submit, _ in tuple(self.held))

    def _is_here(self, function: bytes) -> bool:
        parts = self._parts.get(function, ())
        return not function or all(digest in self._functions for digest in (function, *parts))

    def _abort(self, tasks: list[TaskId]) -> None:
        held = {each for submit, _ in self.held for each in tasks_of(submit)}
        for task in tasks:
            if task in held and task not in self._aborted:
                self._aborted.add(task)
                self.result(task, Outcome(Status.ABORTED, 0.0, 0.0))
        self.held = [(submit, body) for submit, body in self.held if not self._aborted.issuperset(tasks_of(submit))]

    def _submitted(self, submit: Submit) -> None:
        if not self.forgetful:
            if submit.task in self._arrived:
                return
            self._arrived.update(tasks_of(submit))
        if isinstance(submit.call.body, Stream):
            self._receive(submit.call.body, lambda body: self._take(submit, body))
        else:
            self._take(submit, None)

    def _receive(self, stream: Stream, act: Callable[[Payload], None]) -> None:
        assert self.connection is not None
        bodies.receive(self.connection, stream, whole=act)

    def _take(self, submit: Submit, body: Payload | None) -> None:
        if submit.call.function and submit.call.function not in self._functions:
            self.send(NeedFunction(submit.call.function))
            self.held.append((submit, body))
        elif self.holding or not self._is_here(submit.call.function):
            self.held.append((submit, body))
        else:
            self._run_all(submit, body)

    def _run_all(self, submit: Submit, body: Payload | None) -> None:
        if submit.to is None:
            self._turn += 1
            self._run(submit, submit.task, self.engines[self._turn % len(self.engines)], body)
            return
        for index, engine in enumerate(submit.to[::INSTANCE_BYTES]):  # each instance repeats the engine's id
            task = task_id(session_of(submit.task), number_of(submit.task) + index)
            if task not in self._aborted:
                self._run(submit, task, engine, body)

    def _run(self, submit: Submit, task: Any, engine: int, body: Payload | None) -> None:
        payload: Any = submit.call.body if body is None else bytes(body.buffer())
        try:
            packed = pack(self._call(submit.call.kind, submit.call.function, payload, engine))
        except Exception as error:  # noqa: BLE001 (the task's)
            text, packed = pack_failure(error, engine_id=engine, instance=bytes(16), method="apply")
            self.result(task, Outcome(Status.ERROR, 1000.0, 0.5, text), packed, engine)
        else:
            self.result(task, Outcome(Status.OK, 1000.0, self.seconds), packed, engine)

    def _call(self, kind: int, digest: bytes, payload: bytes, engine: int) -> Any:
        namespace = self.namespaces[engine]
        match kind:
            case Kind.APPLY:
                args, kwargs = unpack_call(payload)
                return self._functions.get(digest)(*args, **kwargs)
            case Kind.PUSH:
                namespace.update(unpack(payload))
                return None
            case Kind.PULL:
                names = unpack(payload)
                return _named(namespace, names) if isinstance(names, str) else [_named(namespace, n) for n in names]
            case _:
                return unpack(payload)

    def delivered(self) -> set[int]:
        """Return the numbers that the client has acknowledged."""
        told: set[int] = set()
        for message in self.heard_of(Delivered):
            told |= set(range(1, message.up_to + 1)) | set(numbers_in(message.also))
        return told


def _named(namespace: dict[str, Any], name: str) -> Any:
    if name not in namespace:
        raise NameError(f"name {name!r} is not defined", name=name)
    return namespace[name]


def started(controller: FakeController, **options: Any) -> Session:
    """Return a session with `controller`, with these options of a Session."""
    session = Session(controller, **options)
    session.start(SECONDS)
    return session


def connected(controller: FakeController, **options: Any) -> Client:
    """Return a client of `controller`, whose session has these options."""
    return client_of(started(controller, **options))
