"""Connecting to the controller, and reconnecting."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from engineroom.engine.config import EngineConfig
from engineroom.engine.shell import Shell
from engineroom.errors import ConnectionFailed, ConnectionFileError, EngineroomError, NotLetIn
from engineroom.ids import Epoch, Instance
from engineroom.machine.processes import host_name
from engineroom.protocol.connection_files import ConnectionFile, read_connection_file
from engineroom.protocol.messages import EngineInfo, Join, Welcome
from engineroom.trail import steps
from engineroom.trail.advice import for_cluster
from engineroom.transport.connection import Connection
from engineroom.transport.dial import NoWay, attempts, connect
from engineroom.transport.pulse import UNHURRIED, Pulse
from engineroom.transport.tunnels import Tunnel, TunnelFailed

log = logging.getLogger(__name__)

ADVICE = (
    "start a controller with `ipcluster start` or `ipcontroller`, or name its connection file with `ipengine --file`"
)


_BEING_COPIED = 2.0
"""Seconds for which a connection file may be empty or incomplete, because it is being copied."""


class BadFile(ConnectionFileError):
    """The connection file exists but is not valid."""


class GaveUp(Exception):
    """The engine found no controller; the message says why. `code`: the exit code of the process."""

    def __init__(self, words: str, *, code: int) -> None:
        self.code = code
        super().__init__(words)


class Link:
    """Keeps the shell connected, for as long as the config allows."""

    def __init__(
        self,
        config: EngineConfig,
        shell: Shell,
        *,
        instance: Instance,
        info: EngineInfo,
        on_welcome: Callable[[Welcome, ConnectionFile], None],
    ) -> None:
        self._config, self._shell, self._on_welcome = config, shell, on_welcome
        self._advice = for_cluster(ADVICE, config.cluster_options)
        self._instance, self._info = instance, info
        self._wanted_id = config.wanted_id
        self._epoch = Epoch(b"")
        self._tunnel = Tunnel(config.way)
        self._steps = steps.Steps(config.steps, f"engine pid {os.getpid()} on {host_name()}")
        self._file: ConnectionFile | None = None
        self._lost: asyncio.Future[str] | None = None
        self._leaving = False

    def leave(self) -> None:
        """The engine is about to end: do not connect again."""
        self._leaving = True

    def lost(self, reason: str) -> None:
        """Note that the connection is gone."""
        if self._lost is not None and not self._lost.done() and not self._leaving:
            self._lost.set_result(reason)

    def leave_to_parent(self) -> None:
        """In a forked child: have no part in the tunnel, which is to end with the engine."""
        self._tunnel.leave_to_parent()

    async def run(self) -> None:
        """Stay connected; GaveUp ends it."""
        await self._connect(self._config.connect_timeout, code=255)
        while True:
            assert self._lost is not None
            reason = await self._lost
            log.warning("lost the controller: reconnecting", extra={"reason": reason})
            await self._connect(self._config.reconnect_timeout, code=1)

    async def _connect(self, within: float, *, code: int) -> None:
        loop = asyncio.get_running_loop()
        begun, said, problem = loop.time(), "", "no time left to connect"
        failure: Exception | None = None
        async for _ in attempts(begun + within):
            try:
                self._welcomed(*await self._try())
                return
            except (EngineroomError, OSError) as error:
                failure = error
                if isinstance(error, ConnectionFailed) and error.final:
                    self._note(error)
                    raise GaveUp(_refused(error), code=255) from error
                if isinstance(error, BadFile) and loop.time() > begun + _BEING_COPIED:
                    problem = str(error)
                    break
            problem = str(failure)
            if problem != said:
                self._note(failure)
                log.warning("waiting for the controller for up to %g s: %s", within, problem)
                said = problem
        bad_file = isinstance(failure, BadFile)
        self._steps.note(steps.ENDED, ok=False, words=problem, fix="" if bad_file else self._advice)
        words = f"no controller within {loop.time() - begun:.1f} s: {problem}"
        raise GaveUp(
            words if bad_file else f"{words}{'' if words[-1] in '?.' else '.'} To fix this, {self._advice}", code=code
        )

    async def _try(self) -> tuple[Connection, Welcome]:
        self._read_file()
        assert self._file is not None
        join = Join(
            proof=b"",
            identity=self._instance,
            secret=bytes.fromhex(self._config.secret),
            epoch=self._epoch,
            wanted_id=self._wanted_id,
            host=self._config.host,
            info=self._info,
            wall=time.time(),
        )
        return await connect(self._file, role="engine", join=join, tunnel=self._tunnel)

    async def dial_for_tasks(self, join: Join, seconds: float) -> tuple[Connection, Welcome]:
        """Return a connection over which tasks of this engine speak, not yet started."""
        assert self._file is not None
        join = msgspec.structs.replace(join, engine=bytes.fromhex(self._config.secret))
        return await connect(self._file, role="task", join=join, tunnel=self._tunnel, whole=seconds)

    def _note(self, failure: Exception) -> None:
        """Record what prevents the connection as steps of the start."""
        match failure:
            case ConnectionFileError():
                self._steps.note(
                    steps.FILE, ok=False, words=str(failure), fix="" if isinstance(failure, BadFile) else self._advice
                )
            case NoWay(failures=addresses):
                for address in addresses:
                    self._steps.note(steps.ADDRESS, ok=False, words=str(address))
            case TunnelFailed():
                self._steps.note(steps.ADDRESS, ok=False, words=failure.words, fix=failure.fix)
            case _:
                self._steps.note(steps.HANDSHAKE, ok=False, words=str(failure))

    def _read_file(self) -> None:
        """Read the connection file again, for a controller that starts later writes a new one; else keep the last."""
        try:
            self._file = read_connection_file(self._config.connection_file)
        except ConnectionFileError as error:
            if self._file is not None:
                return
            if Path(self._config.connection_file).exists():
                raise BadFile(str(error)) from error
            raise

    def _welcomed(self, connection: Connection, welcome: Welcome) -> None:
        assert self._file is not None
        self._lost = asyncio.get_running_loop().create_future()
        self._epoch = welcome.epoch
        self._wanted_id = welcome.engine_id
        self._on_welcome(welcome, self._file)
        log.info("registered", extra={"engine": welcome.engine_id, "over": connection.address})
        self._steps.note(steps.REGISTERED, words=f"engine {welcome.engine_id}, over {connection.address}")
        self._shell.connected(connection)
        Pulse(connection, UNHURRIED * welcome.heartbeat, tell=log.warning)


def _refused(error: ConnectionFailed) -> str:
    return f"the controller refused this engine: {error}" if isinstance(error, NotLetIn) else str(error)
