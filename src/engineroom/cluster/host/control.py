"""Where a host is asked and tells: its owner's socket, and one that other processes of the same user connect to."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import msgspec

from engineroom.cluster.line.codec import LineReceiver
from engineroom.cluster.line.errors import NoSuchSet
from engineroom.cluster.line.messages import Answered, Report, Request, advised, line_of, read_request
from engineroom.cluster.records.leftovers import answers
from engineroom.errors import EngineroomError, LaunchError
from engineroom.transport.socket_places import make_private
from engineroom.transport.sockets import leave_to

log = logging.getLogger(__name__)

Answer = Callable[[Request], Awaitable[Any]]


class Asker(LineReceiver):
    """One connection over which requests come; each is answered when it is done."""

    def __init__(self, answer: Answer, on_end: Callable[[Asker], None], *, options: str) -> None:
        """`options`: those that choose this cluster on a command line."""
        super().__init__(self._asked, lambda: on_end(self))
        self._answer, self._options = answer, options
        self._tasks: set[asyncio.Task[None]] = set()
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def tell(self, report: Report) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(line_of(report))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _asked(self, line: bytes) -> None:
        try:
            request = read_request(line)
        except msgspec.MsgspecError as error:
            log.warning("invalid request: %s", error)
            return
        task = asyncio.get_running_loop().create_task(self._serve(request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, request: Request) -> None:
        try:
            data = await self._answer(request)
        except (EngineroomError, OSError, ValueError) as error:
            self.tell(advised(_refused(request.number, error), self._options))
        except Exception as error:  # whoever asked must not wait for ever
            log.exception("a request failed")
            words = f"ipcluster failed: {type(error).__name__}: {error}. Its log has the traceback: `ipcluster logs`"
            self.tell(advised(Answered(request.number, error=words), self._options))
        else:
            self.tell(Answered(request.number, data))


def _refused(number: int, error: Exception) -> Answered:
    return Answered(number, error=str(error), no_set=isinstance(error, NoSuchSet))


class Control:
    """The control socket of a host, and its owner's."""

    def __init__(self, answer: Answer, *, options: str = "") -> None:
        """`options`: those that choose this cluster on a command line."""
        self._answer, self._options = answer, options
        self._server: asyncio.Server | None = None
        self._path: Path | None = None
        self._askers: set[Asker] = set()
        self._owner: Asker | None = None

    async def listen(self, path: Path) -> None:
        """Listen at `path`; the caller holds the cluster's lock. LaunchError: a host is there nevertheless."""
        _make_way(path)
        self._server = await asyncio.get_running_loop().create_unix_server(self._asker, path)
        self._path = path

    async def serve_owner(self, sock: socket.socket, on_end: Callable[[], None]) -> None:
        """Serve the owner too; `on_end()` is called when it is gone."""

        def gone(_: Asker) -> None:
            self._owner = None
            on_end()

        owner = Asker(self._answer, gone, options=self._options)
        sock.setblocking(False)  # noqa: FBT003 (socket's own way)
        transport, _ = await asyncio.get_running_loop().create_connection(lambda: owner, sock=sock)
        leave_to(transport, sock)
        self._owner = owner

    def tell_owner(self, report: Report) -> None:
        if self._owner is not None:
            self._owner.tell(report)

    def stop_listening(self) -> None:
        """Take the socket away, before the lock is released: the next host has one of the same path."""
        if self._server is not None:
            self._server.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path = None

    def close(self) -> None:
        """Take the socket away; connections stay until what was written to them has left."""
        self.stop_listening()
        for asker in (*self._askers, self._owner):
            if asker is not None:
                asker.close()

    def _asker(self) -> Asker:
        asker = Asker(self._answer, self._askers.discard, options=self._options)
        self._askers.add(asker)
        return asker


def _make_way(path: Path) -> None:
    make_private(path.parent)
    if answers(path):
        raise LaunchError(
            "a cluster of this profile and id is already running, although its pid file is gone. Stop it with "
            "`ipcluster stop`"
        )
    path.unlink(missing_ok=True)
