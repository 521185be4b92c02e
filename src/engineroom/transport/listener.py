"""The controller's door: one TCP port and one Unix socket, and who may stand in front of them."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from engineroom.errors import LaunchError, NotLetIn, ProtocolError
from engineroom.protocol.closing import Closing
from engineroom.protocol.handshake import ControllerHandshake
from engineroom.protocol.messages import Hello, Join, Refused
from engineroom.protocol.records import MAX_RECORD_BEFORE_TRUST
from engineroom.protocol.texts import brief
from engineroom.transport import decoders
from engineroom.transport.connection import Connection
from engineroom.transport.secrecy import Secrecy
from engineroom.transport.socket_places import make_private
from engineroom.transport.sockets import (
    UNIX_WINDOW,
    leave_to,
    prepare_receive_buffer,
    prepare_unix,
    tcp_window,
    unix_peer,
    watch_liveness,
)

MAX_STRANGERS = 256
"""Connections that have not proved a key; one more, and the oldest is dropped."""

STRANGER_SECONDS = 5.0
"""How long a connection may take to prove its key."""

_BACKLOG = 1024
_ACCEPT_AT_ONCE = 64
_OUT_OF_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_PAUSE_WHEN_OUT_OF_FILES = 0.1

Admit = Callable[[Connection, str, Join], None]
"""Called with a connection whose peer has proved `role`; sends the Welcome and calls `connection.start`,
or raises NotLetIn."""


class Doorbook(Protocol):
    """Who is told who came to the door. `role`: as it says itself; `where`: its address, "" on this machine."""

    def refused(self, role: str, where: str, reason: str) -> None: ...
    def let_in(self, role: str, where: str) -> None: ...
    def full(self) -> None: ...
    def has_room(self) -> None: ...
    def close(self) -> None: ...


_HUNG_UP = (
    "it disconnected during the handshake: either the exec_key in its connection file is not the controller's, or "
    "it was stopped. Its own log says which"
)


class _Stranger:
    """A connection that has not proved a key yet."""

    def __init__(self, listener: Listener, sock: socket.socket, handshake: ControllerHandshake) -> None:
        self._listener, self._handshake, self.sock = listener, handshake, sock
        self.connection: Connection | None = None
        self.opening: asyncio.Task[None] | None = None
        self.entered = False
        self._role = ""
        self.since = asyncio.get_running_loop().time()

    def on_messages(self, messages: list[Any]) -> None:
        assert self.connection is not None
        try:
            for message in messages:
                match message:
                    case Hello():
                        self._role = message.role
                        self.connection.send(self._handshake.challenge(message))
                    case Join():
                        role = self._handshake.check(message)
                        self._listener.forget(self)
                        self._listener.admit(self.connection, role, message)
                        if (book := self._listener.book) is not None:
                            book.let_in(role, self._where())
                    case _:
                        self.connection.close()
        except NotLetIn as error:
            self._note_refusal(error.reason)
            self.connection.send(Refused(brief(error.reason), error.final))
            self.connection.close(error.reason)
        except ProtocolError as error:
            self.connection.abort(str(error))

    def on_closed(self, closing: Closing) -> None:
        del closing
        self._listener.forget(self)
        self._note_refusal(_HUNG_UP)

    def _note_refusal(self, reason: str) -> None:
        role, self._role = self._role, ""  # once
        if role and (book := self._listener.book) is not None:
            book.refused(role, self._where(), reason)

    def _where(self) -> str:
        assert self.connection is not None
        if self.connection.kind == "unix":
            return ""
        return str((self.connection.transport.get_extra_info("peername") or ("?",))[0])

    def drop(self) -> None:
        if self.connection is not None:
            self.connection.abort("did not prove a key")
        elif self.opening is not None:
            self.opening.cancel()
            if not self.entered:  # a task that never began can't close what it was given
                self.sock.close()


class Listener:
    """Accepts connections and lets in those that prove a key."""

    def __init__(
        self,
        *,
        keys: Mapping[str, str],
        cluster_id: str,
        context: ssl.SSLContext,
        certificate: str,
        admit: Admit,
        silent: float,
        book: Doorbook | None = None,
        max_strangers: int = MAX_STRANGERS,
        stranger_seconds: float = STRANGER_SECONDS,
    ) -> None:
        """`keys`: by key role; `certificate`: that of `context` (PEM); `silent`: seconds after which a TCP peer that
        shows no life is cut; `max_strangers`, `stranger_seconds`: how many may be here that have not proved a key, and
        how long each may take."""
        self._certificate = ssl.PEM_cert_to_DER_cert(certificate)
        self._keys, self._cluster_id, self._context = keys, cluster_id, context
        self._silent, self._max_strangers, self._stranger_seconds = silent, max_strangers, stranger_seconds
        self.admit, self.book = admit, book
        self._sockets: list[socket.socket] = []
        self._strangers: dict[_Stranger, None] = {}
        self._sweeper: asyncio.TimerHandle | None = None
        self._full = False
        self.unix_path = ""

    def listen_tcp(self, hosts: Sequence[str], ports: Sequence[int]) -> int:
        """Listen on the first of `ports` (0: any) that is free on all `hosts`; return it.

        LaunchError: none is free, or a host is not an address of this machine.
        """
        failures = []
        for port in ports:
            try:
                sockets = _bind(hosts, port)
            except OSError as error:
                failures.append(f"{port}: {_reason(error, port)}")
                continue
            self._sockets += sockets
            for sock in sockets:
                asyncio.get_running_loop().add_reader(sock, self._accept, sock, "tls")
            return int(sockets[0].getsockname()[1])
        raise LaunchError(
            f"the controller can't listen on {', '.join(hosts)}, port {'; '.join(failures)}. Choose another address "
            "or port (--ip, --ports)"
        )

    def listen_unix(self, path: Path) -> None:
        """Listen on a Unix socket; its directory is made, private. The caller holds the cluster's lock."""
        make_private(path.parent)
        path.unlink(missing_ok=True)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.bind(str(path))
            path.chmod(0o600)
            sock.listen(_BACKLOG)
            sock.settimeout(0)
        except OSError:
            sock.close()
            raise
        self._sockets.append(sock)
        self.unix_path = str(path)
        asyncio.get_running_loop().add_reader(sock, self._accept, sock, "unix")

    def close(self) -> None:
        loop = asyncio.get_running_loop()
        for sock in self._sockets:
            loop.remove_reader(sock)
            sock.close()
        self._sockets.clear()
        for stranger in tuple(self._strangers):
            stranger.drop()
        if self._sweeper is not None:
            self._sweeper.cancel()
        if self.book is not None:
            self.book.close()
        if self.unix_path:
            Path(self.unix_path).unlink(missing_ok=True)

    def forget(self, stranger: _Stranger) -> None:
        self._strangers.pop(stranger, None)

    def _accept(self, listening: socket.socket, kind: str) -> None:
        for _ in range(_ACCEPT_AT_ONCE):
            try:
                sock, _ = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _OUT_OF_FILES:
                    raise
                self._make_room(listening, kind)
                return
            if self._full:
                self._full = False
                if self.book is not None:
                    self.book.has_room()
            sock.settimeout(0)
            self._take(sock, kind)

    def _make_room(self, listening: socket.socket, kind: str) -> None:
        """Out of file descriptors: drop half of the strangers and come back a moment later."""
        for stranger in list(self._strangers)[: len(self._strangers) // 2 + 1]:
            self.forget(stranger)
            stranger.drop()
        if not self._full:
            self._full = True
            if self.book is not None:
                self.book.full()
        loop = asyncio.get_running_loop()
        loop.remove_reader(listening)
        loop.call_later(_PAUSE_WHEN_OUT_OF_FILES, self._resume, listening, kind)

    def _resume(self, listening: socket.socket, kind: str) -> None:
        if listening in self._sockets:
            asyncio.get_running_loop().add_reader(listening, self._accept, listening, kind)

    def _take(self, sock: socket.socket, kind: str) -> None:
        if len(self._strangers) >= self._max_strangers:
            oldest = next(iter(self._strangers))
            self.forget(oldest)
            oldest.drop()
        shown = self._certificate if kind == "tls" else b""
        handshake = ControllerHandshake(keys=self._keys, cluster_id=self._cluster_id, certificate=shown)
        stranger = _Stranger(self, sock, handshake)
        self._strangers[stranger] = None
        opening = self._open_unix(stranger) if kind == "unix" else self._open_tls(stranger)
        stranger.opening = asyncio.get_running_loop().create_task(opening)
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(self._stranger_seconds, self._sweep)

    def _sweep(self) -> None:
        self._sweeper = None
        loop = asyncio.get_running_loop()
        for stranger in tuple(self._strangers):
            if loop.time() - stranger.since < self._stranger_seconds:
                rest = self._stranger_seconds - (loop.time() - stranger.since)
                self._sweeper = loop.call_later(rest, self._sweep)
                return
            self.forget(stranger)
            stranger.drop()

    async def _open_unix(self, stranger: _Stranger) -> None:
        stranger.entered = True
        prepare_unix(stranger.sock)
        pid, uid = unix_peer(stranger.sock)
        if uid not in {None, os.getuid()}:
            stranger.sock.close()
            self.forget(stranger)
            return
        await self._open(stranger, kind="unix", window=UNIX_WINDOW, peer_pid=pid)

    async def _open_tls(self, stranger: _Stranger) -> None:
        stranger.entered = True
        try:
            watch_liveness(stranger.sock, silent=self._silent)
            window = tcp_window(stranger.sock)
        except OSError:
            stranger.sock.close()
            self.forget(stranger)
            return
        await self._open(stranger, kind="tls", window=window, context=self._context)

    async def _open(
        self,
        stranger: _Stranger,
        *,
        kind: str,
        window: int,
        peer_pid: int | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        def made(connection: Connection) -> None:
            stranger.connection = connection
            connection.start(stranger)

        try:
            transport, _ = await asyncio.get_running_loop().connect_accepted_socket(
                lambda: Connection(
                    decoders.from_stranger,
                    kind=kind,
                    window=window,
                    record_limit=MAX_RECORD_BEFORE_TRUST,
                    peer_pid=peer_pid,
                    secrecy=Secrecy(context, server_side=True) if context else None,
                    on_made=made,
                    says_why=True,
                ),
                stranger.sock,
            )
            leave_to(transport, stranger.sock)
        except (OSError, asyncio.CancelledError):
            # Not our protocol, gone again, or dropped: nobody who is owed an answer.
            self.forget(stranger)
            with contextlib.suppress(OSError):
                stranger.sock.close()


def _reason(error: OSError, port: int) -> str:
    """Return what the system says, and who has the port; of a name that leads nowhere, the number is not one of its
    errors."""
    words = error.strerror or str(error)
    if error.errno != errno.EADDRINUSE:
        return words
    from engineroom.machine.port_holder import holder_of  # few ports are taken

    who = holder_of(port)
    return f"{words} by {who}" if who else words


def _bind(hosts: Sequence[str], port: int) -> list[socket.socket]:
    """Return listening sockets on `port` of all `hosts`; the same free port for all when it is 0."""
    sockets: list[socket.socket] = []
    try:
        for host in hosts:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            sock = socket.socket(family, socket.SOCK_STREAM)
            sockets.append(sock)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            prepare_receive_buffer(sock)
            sock.bind((host, port))
            port = sock.getsockname()[1]
        for sock in sockets:
            sock.listen(_BACKLOG)
            sock.settimeout(0)
    except OSError:
        for sock in sockets:
            sock.close()
        raise
    return sockets
