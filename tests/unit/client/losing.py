"""A controller in the client's loop; what the client says is lost, with the connection, at a chosen moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engineroom.client.client import Client, client_of
from engineroom.client.connection.session import Session
from engineroom.controller.admission import Admission
from engineroom.controller.config import ControllerConfig
from engineroom.controller.shell import Controller
from engineroom.core.clients import known_up_to
from engineroom.core.sessions import Session as SessionThere
from engineroom.ids import SessionId, TaskId, task_id
from engineroom.protocol.closing import Closing, Why
from engineroom.protocol.messages import PROTOCOL, Finished, Function, Join, Ran, Run, Status, Welcome
from engineroom.serialize.payloads import pack
from engineroom.transport import bodies
from engineroom.transport.connection import Connection
from engineroom.transport.memory import memory_pair
from tests.conftest import wait_until
from tests.patience import SECONDS
from tests.unit.controller.conversations import Somebody

OK = Ran(Status.OK, 1.0, 0.0)


class Losing:
    """Passes on to `receiver` what a client says, as long as nothing is lost."""

    def __init__(self, receiver: Any, connection: Connection, loses: Callable[[object], bool]) -> None:
        """`loses(message)`: whether this one, and what follows, is lost with the `connection`."""
        self._receiver, self._connection, self._loses = receiver, connection, loses
        self._broken = False

    def on_messages(self, messages: list[Any]) -> None:
        for place, message in enumerate(messages):
            if self._broken or self._loses(message):
                messages = messages[:place]
                self._broken = True
                self._connection.transport.close()
                break
        if messages:
            self._receiver.on_messages(messages)

    def on_closed(self, closing: Closing) -> None:
        self._receiver.on_closed(closing)

    def breaks(self) -> None:
        """Break the connection now."""
        self._broken = True
        self._connection.transport.close()
        self._receiver.on_closed(Closing(Why.RESET, "cut"))


def admit(controller: Controller, near: Connection, join: Join, loses: Callable[[object], bool]) -> Losing:
    """Let a client in at this end of its connection; return what passes on what it says."""
    Admission(controller).admit(near, "client", join)
    losing = Losing(near._receiver, near, loses)
    near.start(losing)
    return losing


class LosingController:
    """A `Dial` to a real controller with one engine, `engine`, which runs what it is told to.

    `losses`: kinds of messages; the first of each kind, and what follows it, is lost with the connection.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._controller: Controller | None = None
        self._engine: Somebody | None = None
        self.losses: list[type] = []
        self.heard: list[Any] = []
        self.joins = 0

    async def wait(self, seconds: float) -> None:
        """There is nothing to wait for."""

    def over(self) -> str:
        """It may always be back."""
        return ""

    def close(self) -> None:
        """There is nothing to let go of."""

    async def __call__(self, join: Join, seconds: float) -> tuple[Connection, Welcome]:
        del seconds
        if self._controller is None:
            self._loop = asyncio.get_running_loop()
            self._controller = Controller(ControllerConfig(security_dir=str(self._directory)))
            self._controller.enter_loop()  # it listens nowhere
            self._engine = Somebody(self._controller, "engine")
        controller, self._session = self._controller, SessionId(join.identity)
        self.joins += 1
        known = known_up_to(controller.state, self._session)
        near, far = memory_pair("client")
        admit(controller, near, join, self.loses)
        stays = controller.state.limits.staying_bytes
        return far, Welcome(controller.epoch, PROTOCOL, window=near.window, known_up_to=known, stays=stays)

    @property
    def controller(self) -> Controller:
        assert self._controller is not None
        return self._controller

    @property
    def engine(self) -> Somebody:
        assert self._engine is not None
        return self._engine

    @property
    def session(self) -> SessionThere:
        """What the controller knows of the client."""
        return self.controller.state.sessions[self._session]

    @property
    def published(self) -> list[bytes]:
        """The values that the client has published, as far as the controller knows."""
        return self.controller.bodies.functions.values.of(self._session)

    def loses(self, message: object) -> bool:
        self.heard.append(message)
        if self.losses and isinstance(message, self.losses[0]):
            del self.losses[0]
            return True
        return False

    def do(self, act: Callable[..., object], *args: Any) -> None:
        """Have `act(*args)` done in the client's loop, from any thread."""
        self._loop.call_soon_threadsafe(act, *args)

    def task(self, number: int) -> TaskId:
        return task_id(self._session, number)

    def runs(self, number: int) -> Run:
        """Return what the engine is sent of the client's task of this number, once it is."""
        runs: list[Run] = []
        assert wait_until(lambda: runs.extend(m for m in self.sent(Run) if m.task == self.task(number)) or runs)
        assert len(runs) == 1, "it runs twice"
        return runs[0]

    def ends(self, number: int, value: object) -> None:
        """Have the engine end a task that it has been sent with this result."""
        run, body = self.runs(number), pack(value)
        finished = Finished(number, run.task, run.attempt, OK, body if isinstance(body, bytes) else b"")
        if finished.body:
            self.do(self.engine.say, finished)
        else:
            self.do(bodies.send, self.engine.connection, finished, body)

    def sent(self, kind: type) -> list[Any]:
        """Return what the engine was sent of this kind."""
        return [message for message in tuple(self.engine.heard) if isinstance(message, kind)]

    def functions(self) -> list[bytes]:
        return [message.hash for message in self.sent(Function)]

    def has_lost(self) -> bool:
        """Whether all that was to be lost is, and the client is back."""
        return not self.losses and self.joins > 1


def started(there: LosingController) -> Client:
    session = Session(there)
    session.start(SECONDS)
    return client_of(session)
