"""A client that speaks message by message, to the pretended controller of the unit tests or to a real one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from engineroom import Client
from engineroom.errors import RemoteError
from engineroom.ids import SessionId, TaskId, number_of, task_id
from engineroom.protocol.connection_files import ConnectionFile
from engineroom.protocol.identities import identity_of, new_secret
from engineroom.protocol.messages import (
    DEFAULT_OPTIONS,
    Answer,
    Ask,
    Call,
    Ended,
    EngineJoined,
    Function,
    Join,
    Kind,
    Outcome,
    Result,
    Status,
    Stream,
    Submit,
    Sync,
    Synced,
)
from engineroom.protocol.questions import Question
from engineroom.protocol.streams import Payload
from engineroom.serialize.failures.packing import unpack_failure
from engineroom.serialize.functions.packing import FunctionPacker, PackedFunction, pack_call
from engineroom.serialize.payloads import unpack
from engineroom.transport import bodies
from tests.conftest import wait_until
from tests.fuzz.liar import Liar
from tests.patience import SECONDS
from tests.system.held_tasks import Mark, wait_for_file
from tests.unit.client.fake_controller import FakeController

ENGINES = 2


class Controller(Protocol):
    """Either of the two."""

    async def connect(self, secret: bytes) -> Liar:
        """Return a new connection of the client with this secret."""

    async def keep_engines_busy(self) -> None:
        """Have no task start any more..."""

    def free_engines(self) -> None:
        """... until now."""


class Pretended:
    """The one of the unit tests."""

    def __init__(self) -> None:
        self._fake = FakeController(ENGINES, forgetful=False)

    async def connect(self, secret: bytes) -> Liar:
        join = Join(proof=b"", identity=identity_of(secret), secret=secret)
        connection, welcome = await self._fake(join, SECONDS)
        return Liar("client", connection, welcome, secret)

    async def keep_engines_busy(self) -> None:
        self._fake.holding = True

    def free_engines(self) -> None:
        self._fake.go_on()


class Real:
    """One with engines, all processes of their own; `place`: a directory for the files that their tasks wait for."""

    def __init__(self, file: ConnectionFile, rc: Client, place: Path) -> None:
        self._file, self._rc, self._place = file, rc, place
        self._marks: list[Mark] = []

    async def connect(self, secret: bytes) -> Liar:
        return await Liar.join(self._file, "client", secret=secret)

    async def keep_engines_busy(self) -> None:
        mark = Mark(self._place / f"mark-{len(self._marks)}")
        self._marks.append(mark)
        started = {engine: f"{mark}-{engine}" for engine in self._rc.ids}
        for engine, path in started.items():
            self._rc[engine].apply_async(_busy, path, str(mark))
        assert await asyncio.to_thread(wait_until, lambda: all(Path(path).exists() for path in started.values()))

    def free_engines(self) -> None:
        for mark in self._marks:
            mark.set()


def _busy(started: str, mark: str) -> None:
    Path(started).touch()
    wait_for_file(mark)


class Conversation:
    """A client that speaks message by message, and what it has heard."""

    def __init__(self, controller: Controller) -> None:
        self.controller = controller
        self.secret = new_secret()
        self.session = SessionId(identity_of(self.secret))
        self._packer = FunctionPacker()
        self.outcomes: dict[int, tuple[int, Outcome]] = {}
        self.values: dict[int, Any] = {}
        self.results = 0

    async def connect(self) -> None:
        """Join, and hear of the engines; if this is not the first time, it is the same session."""
        self.peer = await self.controller.connect(self.secret)
        self._read = 0
        self.peer.say(Sync())
        await self.peer.hears(Synced)
        joined = [each for each in self.peer.heard if isinstance(each, EngineJoined)]
        self.engines = {each.engine: each.instance for each in joined}

    @property
    def heard(self) -> list[Any]:
        return self.peer.heard

    def id(self, number: int) -> TaskId:
        return task_id(self.session, number)

    def packed(self, function: Callable[..., Any]) -> PackedFunction:
        return self._packer.pack(function)

    def bring(self, function: PackedFunction) -> None:
        """Send a function ahead of the calls that name it."""
        for part in function.parts:
            bodies.send(self.peer.connection, Function(part.hash, parts=None), part.segments())
        parts = tuple(part.hash for part in function.parts)
        bodies.send(self.peer.connection, Function(function.hash, parts=parts), function.body)

    def call(self, number: int, function: PackedFunction, *args: Any, to: tuple[int, ...] = ()) -> None:
        self.submit(number, Kind.APPLY, pack_call(args, {}), function.hash, to=to)

    def submit(self, number: int, kind: Kind, body: Any, function: bytes = b"", *, to: tuple[int, ...] = ()) -> None:
        instances = b"".join(self.engines[engine] for engine in to) if to else None
        if isinstance(body, bytes):
            self.peer.say(Submit(self.id(number), Call(kind, function, body), instances, DEFAULT_OPTIONS))
        else:
            size = sum(segment.nbytes for segment in body)
            message = Submit(self.id(number), Call(kind, function, Stream(0, size)), instances, DEFAULT_OPTIONS)
            bodies.send(self.peer.connection, message, body)

    async def ends(self, *numbers: int) -> list[tuple[Status, Any]]:
        """Return how these tasks ended: their status, with the value or the error's name and text."""
        await self.peer.until(lambda: self._look() and set(numbers) <= self.outcomes.keys())
        return [(Status(self.outcomes[number][1].status), self.values.get(number)) for number in numbers]

    def _look(self) -> bool:
        """Take in what has been heard since the last time."""
        while self._read < len(self.heard):
            message = self.heard[self._read]
            self._read += 1
            if isinstance(message, Result):
                self._result(message)
            elif isinstance(message, Ended) and message.tasks.session == self.session:
                for task in message.tasks.tasks():
                    self._end(number_of(task), message.engine, message.outcome, None)
        return True

    def _result(self, message: Result) -> None:
        number = number_of(message.task)
        if isinstance(message.body, bytes):
            self._end(number, message.engine, message.outcome, message.body)
            return

        def whole(payload: Payload) -> None:
            self._end(number, message.engine, message.outcome, payload.buffer())
            self.peer._news.set()

        bodies.receive(self.peer.connection, message.body, whole=whole)

    def _end(self, number: int, engine: int, outcome: Outcome, payload: Any) -> None:
        self.results += 1
        self.outcomes[number] = engine, outcome
        if outcome.status == Status.OK:
            self.values[number] = unpack(payload)
        elif outcome.status == Status.ERROR:
            error: RemoteError = unpack_failure(payload)
            self.values[number] = error.ename, error.evalue

    async def asks(self, number: int, question: Question) -> Answer:
        self.peer.say(Ask(number, question))
        await self.peer.until(lambda: any(isinstance(each, Answer) and each.number == number for each in self.heard))
        return next(each for each in self.heard if isinstance(each, Answer) and each.number == number)
