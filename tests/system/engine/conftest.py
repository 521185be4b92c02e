"""A pretend controller behind a real door, and real engine processes that come to it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engineroom.engine.config import EngineConfig
from engineroom.ids import TaskId, new_epoch, new_session, task_id
from engineroom.machine.processes import boot_id, host_name
from engineroom.protocol.closing import Closing
from engineroom.protocol.connection_files import ConnectionFile, write_connection_file
from engineroom.protocol.messages import (
    PROTOCOL,
    Call,
    Delivered,
    Finished,
    Function,
    Join,
    Kind,
    Output,
    Run,
    Status,
    Stream,
    Welcome,
)
from engineroom.serialize.failures.packing import unpack_failure
from engineroom.serialize.functions.packing import FunctionPacker, PackedFunction, pack_call
from engineroom.serialize.payloads import pack, unpack
from engineroom.transport import bodies, decoders
from engineroom.transport.connection import Connection
from engineroom.transport.listener import Listener
from engineroom.transport.tls import controller_context, ensure_certificate
from tests.patience import SECONDS, comes_true

KEYS = {"client": "c" * 64, "engine": "e" * 64}


class FakeController:
    """Lets engines in, sends what a test says, keeps what comes back."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.file = directory / "engine.json"
        self.joins: list[Join] = []
        self.messages: list[Any] = []
        self.results: dict[TaskId, Finished] = {}
        self.closed: list[str] = []
        self._connections: list[Connection] = []
        self._bodies: dict[TaskId, Any] = {}
        self._changed = asyncio.Event()
        self._functions = FunctionPacker()
        self._sent: set[bytes] = set()
        self._session = new_session()
        self._number = 0
        self._door: Listener | None = None

    def open(self, *, exec_key: str = KEYS["engine"]) -> None:
        """Listen, and write the connection file, with this key."""
        certificate, key = self.directory / "c.crt", self.directory / "c.key"
        pem = ensure_certificate(certificate, key)
        self._door = Listener(
            keys=KEYS,
            cluster_id="",
            context=controller_context(certificate, key),
            certificate=pem,
            admit=self._admit,
            silent=30,
        )
        port = self._door.listen_tcp(["127.0.0.1"], [0])
        self._door.listen_unix(self.directory / "s" / "door.sock")
        info = ConnectionFile(
            url=f"tcp://127.0.0.1:{port}",
            exec_key=exec_key,
            certificate=pem,
            socket=self._door.unix_path,
            host=host_name(),
            boot_id=boot_id(),
        )
        write_connection_file(self.file, info)

    async def close(self) -> None:
        self.shut_door()
        for connection in self._connections:
            connection.close("the test is over")
        for _ in range(5):
            await asyncio.sleep(0)

    def shut_door(self) -> None:
        if self._door is not None:
            self._door.close()
            self._door = None

    @property
    def connection(self) -> Connection:
        return self._connections[-1]

    def cut(self) -> None:
        """Cut the connection as a fault would."""
        self.connection.abort("cut by the test")

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(SECONDS):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def packed(self, function: Callable[..., Any]) -> PackedFunction:
        return self._functions.pack(function)

    def apply(self, function: Callable[..., Any], *args: Any, send: bool = True, **options: Any) -> TaskId:
        """Send a call; `options` are those of `Run`; without `send`, the function itself stays here."""
        packed = self.packed(function)
        if send and packed.hash not in self._sent:
            self.send_function(packed)
        return self.run(Call(Kind.APPLY, packed.hash), pack_call(args, {}), **options)

    def send_function(self, packed: PackedFunction) -> None:
        """Send a function, and the parts of it that have not been sent."""
        for part in packed.parts:
            if part.hash not in self._sent:
                self._sent.add(part.hash)
                bodies.send(self.connection, Function(part.hash, parts=None), part.segments())
        self._sent.add(packed.hash)
        parts = tuple(part.hash for part in packed.parts)
        self.connection.send(Function(packed.hash, packed.body, parts))

    def ask(self, kind: Kind, value: object, **options: Any) -> TaskId:
        return self.run(Call(kind), pack(value), **options)

    def run(self, call: Call, body: Any, **options: Any) -> TaskId:
        self._number += 1
        task = task_id(self._session, self._number)
        bodies.send(self.connection, Run(task, 1, call, **options), body)
        return task

    async def result(self, task: TaskId) -> Any:
        """Return the task's result, or raise what it raised."""
        await self.until(lambda: task in self.results)
        message = self.results[task]
        payload: Any = message.body
        if isinstance(payload, Stream):
            body = self._bodies[task]
            await self.until(lambda: body.complete)
            payload = body.buffer()
        if message.outcome.status != Status.OK:
            raise unpack_failure(payload)
        return unpack(payload)

    async def call(self, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        return await self.result(self.apply(function, *args, **options))

    def written(self, task: TaskId, stream: int = 1) -> str:
        """Return what has come of a task's output."""
        pieces = {(m.seq): m.text for m in self.of(Output) if m.task == task and m.stream == stream}
        return "".join(pieces[seq] for seq in sorted(pieces))

    def of(self, kind: type[Any]) -> list[Any]:
        return [message for message in self.messages if type(message) is kind]

    def acknowledge(self, task: TaskId) -> None:
        self.connection.send(Delivered(self.results[task].number))

    def _admit(self, connection: Connection, role: str, join: Join) -> None:
        connection.send(Welcome(epoch=new_epoch(), protocol=PROTOCOL, window=connection.window, engine_id=0))
        connection.trust(decoders.from_peer[role], peer_window=join.window)
        self._connections.append(connection)
        self.joins.append(join)
        connection.start(self)
        self._changed.set()

    def on_messages(self, messages: list[Any]) -> None:
        for message in messages:
            if type(message) is Finished:
                self.results[message.task] = message
                if isinstance(message.body, Stream):
                    body = self._bodies[message.task] = self.connection.receive(message.body)
                    body.watch(self._changed.set)
        self.messages += messages
        self._changed.set()

    def on_closed(self, closing: Closing) -> None:
        self.closed.append(closing.words)
        self._changed.set()


class EngineProcess:
    """An engine that a test started, by itself."""

    def __init__(self, config: EngineConfig) -> None:
        self.log = Path(config.log_file)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "engineroom.engine", "--config-json-on-stdin"],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert self.process.stdin is not None
        self.process.stdin.write(msgspec.json.encode(config))
        self.process.stdin.close()

    def signal(self, signum: int) -> None:
        os.kill(self.process.pid, signum)

    async def logged(self, words: str) -> None:
        """Return when `words` are in the log."""
        await comes_true(lambda: self.log.exists() and words in self.log.read_text())

    async def exit_code(self) -> int:
        return await asyncio.wait_for(asyncio.to_thread(self.process.wait), SECONDS)

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


Story = Callable[[FakeController, EngineProcess], Awaitable[None]]


@pytest.fixture
def play(tmp_path: Path) -> Callable[..., None]:
    """Run a story with a pretend controller and one engine that has joined it (or, with `join=False`, may never)."""

    @contextlib.asynccontextmanager
    async def scene(*, opened: bool, **config: Any) -> AsyncIterator[tuple[FakeController, EngineProcess]]:
        controller = FakeController(tmp_path)
        if opened:
            controller.open()
        config = {"connection_file": str(controller.file), "log_file": str(tmp_path / "engine.log"), **config}
        engine = EngineProcess(EngineConfig(**config))
        try:
            yield controller, engine
        finally:
            engine.end()
            await controller.close()

    async def perform(story: Story, *, opened: bool, join: bool, config: dict[str, Any]) -> None:
        async with scene(opened=opened, **config) as (controller, engine):
            if join:
                await controller.until(lambda: controller.joins)
            await story(controller, engine)

    def run(story: Story, *, opened: bool = True, join: bool = True, **config: Any) -> None:
        asyncio.run(perform(story, opened=opened, join=join, config=config))

    return run
