"""A host's connection to its controller: it tells how engines ended, and is told what to do with them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from engineroom.errors import ConnectionFailed, ConnectionFileError, NotLetIn
from engineroom.ids import Instance
from engineroom.machine.processes import host_name
from engineroom.protocol.closing import Closing
from engineroom.protocol.connection_files import read_connection_file
from engineroom.protocol.identities import identity_of
from engineroom.protocol.messages import (
    Coming,
    EngineExited,
    EngineJoined,
    EngineLeft,
    Join,
    Refused,
    RestartProcesses,
    Shutdown,
    Signal,
    SignalProcess,
)
from engineroom.protocol.task_ranges import listed
from engineroom.protocol.texts import brief
from engineroom.trail import steps
from engineroom.transport.connection import Connection
from engineroom.transport.dial import attempts, connect
from engineroom.transport.pulse import UNHURRIED, Pulse
from engineroom.transport.tunnels import Tunnel
from engineroom.transport.ways import Way

log = logging.getLogger(__name__)


_REMEMBERED = 1000
"""Ends of engines that are told each controller anew: as many as one remembers."""


class Listener(Protocol):
    """Who is told what the controller says."""

    def engine_joined(self, instance: Instance, engine_id: int, launch: str, problem: str) -> None: ...
    def engine_left(self, instance: Instance, cause: str) -> None: ...
    def signal_engine(self, instance: Instance, signum: int) -> None: ...
    def restart_engines(self, instances: Sequence[Instance]) -> None: ...
    def controller_says_stop(self, reason: str) -> None: ...
    def waiting_for_controller(self, words: str, step: str) -> None: ...
    def not_let_in(self, words: str) -> None: ...
    def controller_found(self) -> None: ...


class HostLink:
    """Stays connected as a peer of the role "host", as long as the host lives."""

    def __init__(self, file: Path, secret: bytes, listener: Listener, way: Way) -> None:
        self._tunnel = Tunnel(way)
        self._file, self._secret, self._listener = file, secret, listener
        self._connection: Connection | None = None
        self._exits: deque[EngineExited] = deque(maxlen=_REMEMBERED)
        self._coming = Coming()
        self._launched_here: dict[int, Instance] = {}
        self._again: asyncio.Task[None] | None = None
        self._closing = False

    @property
    def connected(self) -> bool:
        return self._connection is not None

    async def connect(self, seconds: float) -> None:
        """Connect, waiting for connection file and controller; ConnectionFailed after `seconds`, in words."""
        loop = asyncio.get_running_loop()
        said, problem = "", "no time to try"
        async for _ in attempts(loop.time() + seconds):
            try:
                await self._connect_once()
            except (ConnectionFailed, ConnectionFileError) as error:
                problem, step = str(error), _step_that_failed(error)
                if isinstance(error, ConnectionFailed) and error.final:
                    self._listener.not_let_in(problem)
                    raise
            else:
                return
            if problem != said:
                said = problem
                self._listener.waiting_for_controller(problem, step)
        raise ConnectionFailed(f"no controller within {seconds:g} s: {problem}")

    def keep_trying(self) -> None:
        """Go on looking for the controller in the background, if it is not there yet."""
        if self._connection is None and self._again is None:
            self._again = asyncio.get_running_loop().create_task(self._reconnect())

    def look_now(self) -> None:
        """The controller is there again: do not wait for the next try to reconnect."""
        if self._again is not None and self._connection is None and not self._closing:
            self._again.cancel()
            self._again = asyncio.get_running_loop().create_task(self._reconnect())

    def say_coming(self, coming: Coming) -> None:
        """Have the controller know which engines are to come, now or when it is there again."""
        if coming != self._coming:
            self._coming = coming
            if self._connection is not None:
                self._connection.send(coming)

    def engine_exited(self, exited: EngineExited) -> None:
        """Tell the controller, now or when it is there again; and the next one, should this one die before it knows."""
        self._exits.append(exited)
        if self._connection is not None:
            self._connection.send(exited)

    def process_exited(self, pid: int, cause: str, *, own: bool) -> None:
        """Tell the controller, if that process of this machine is an engine that a launcher started."""
        instance = self._launched_here.pop(pid, None)
        if instance is not None:
            self.engine_exited(EngineExited(instance, cause, own))

    def relay_signal(self, engine_ids: Sequence[int], signum: int) -> bool:
        """Have the controller, if it is there, send a signal to engines of ours."""
        if self._connection is None:
            return False
        self._connection.send_all([Signal(piece, signum) for piece in listed(engine_ids)])
        return True

    def dismiss(self, engine_ids: Sequence[int], reason: str) -> None:
        """Have the controller, if it is there, tell engines to end."""
        if self._connection is not None and engine_ids:
            self._connection.send_all([Shutdown(engines=piece, reason=brief(reason)) for piece in listed(engine_ids)])

    def close(self, reason: str) -> None:
        self._closing = True
        if self._again is not None:
            self._again.cancel()
        if self._connection is not None:
            self._connection.close(reason)
        self._tunnel.close()

    def on_messages(self, messages: list[Any]) -> None:
        for message in messages:
            match message:
                case EngineJoined(engine=engine_id, instance=instance, info=info):
                    if info.launch and info.host == host_name():
                        self._launched_here[info.pid] = instance
                    self._listener.engine_joined(instance, engine_id, info.launch, info.problem)
                case EngineLeft(instance=instance, cause=cause):
                    self._listener.engine_left(instance, cause)
                case SignalProcess(instance=instance, signum=signum):
                    self._listener.signal_engine(instance, signum)
                case RestartProcesses(instances=several):
                    self._listener.restart_engines(several)
                case Shutdown(reason=reason) | Refused(reason=reason):
                    self._closing = True
                    self._listener.controller_says_stop(reason)
                case _:
                    log.warning("unexpected message from the controller", extra={"words": type(message).__name__})

    def on_closed(self, closing: Closing) -> None:
        self._connection = None
        if self._closing or closing.clean:
            return
        log.warning("the connection to the controller is lost; reconnecting", extra={"reason": closing.words})
        self._again = asyncio.get_running_loop().create_task(self._reconnect())

    async def _connect_once(self) -> None:
        join = Join(proof=b"", identity=identity_of(self._secret), secret=self._secret, wall=time.time())
        file = read_connection_file(self._file)
        connection, welcome = await connect(file, role="host", join=join, tunnel=self._tunnel)
        self._connection = connection
        self._listener.controller_found()
        connection.start(self)
        Pulse(connection, UNHURRIED * welcome.heartbeat, tell=log.warning)
        connection.send(self._coming)
        connection.send_all(list(self._exits))

    async def _reconnect(self) -> None:
        try:
            # For ever: the engines decide how long they wait, and without them the host ends.
            await self.connect(float("inf"))
        except ConnectionFailed as error:
            self._listener.controller_says_stop(str(error))


def _step_that_failed(error: ConnectionFailed | ConnectionFileError) -> str:
    if isinstance(error, ConnectionFileError):
        return steps.FILE
    return steps.HANDSHAKE if isinstance(error, NotLetIn) else steps.ADDRESS
