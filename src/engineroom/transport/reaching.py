"""One way to a controller: a Unix socket, or an address (or a tunnel to one) with TLS over it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engineroom.errors import NotLetIn, ProtocolError
from engineroom.protocol.closing import Closing
from engineroom.transport import decoders
from engineroom.transport.connection import Connection
from engineroom.transport.names import look_up
from engineroom.transport.secrecy import Secrecy
from engineroom.transport.sockets import (
    UNIX_WINDOW,
    check_socket,
    leave_to,
    prepare_receive_buffer,
    prepare_unix,
    tcp_window,
    unix_peer,
    watch_liveness,
)
from engineroom.transport.tls import is_the_certificate, peer_context

Note = Callable[[str], object]


async def by_unix_socket(path: str, role: str) -> Connection:
    """Return a connection to the controller of this machine; OSError: not there, or not ours."""
    check_socket(Path(path))
    _, connection = await asyncio.get_running_loop().create_unix_connection(
        lambda: Connection(decoders.from_controller[role], kind="unix", window=UNIX_WINDOW, address=path), path
    )
    sock = connection.transport.get_extra_info("socket")
    prepare_unix(sock)
    try:
        connection.peer_pid = _ours(sock)
    except PermissionError:
        connection.abort("not ours")
        raise
    return connection


async def by_address(host: str, port: int, certificate: str, role: str, silent: float, note: Note) -> Connection:
    """Return a connection over TCP; `certificate`: that it must show (PEM), "" for any. OSError, NotLetIn.

    `note(step)` is told what it waits for.
    """
    loop = asyncio.get_running_loop()
    errors: list[OSError] = []
    note("while looking up the name")
    for family, _, _, _, address in await look_up(host, port):
        note("while connecting")
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(0)
            prepare_receive_buffer(sock)
            await loop.sock_connect(sock, address)
            watch_liveness(sock, silent=silent)
        except BaseException as error:
            sock.close()
            if not isinstance(error, OSError):
                raise
            errors.append(error)
            continue
        note("in the TLS handshake")
        return await _secure(sock, f"{host}:{port}", certificate, role, window=tcp_window(sock))
    raise errors[0] if errors else OSError("no address")


async def by_tunnel(path: str, address: str, certificate: str, role: str, note: Note) -> Connection:
    """Return a connection through the tunnel whose socket here is `path`; `address`: what that leads to."""
    check_socket(Path(path))
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(0)
        await asyncio.get_running_loop().sock_connect(sock, path)
        _ours(sock)
        prepare_unix(sock)
    except BaseException:
        sock.close()
        raise
    note("in the TLS handshake")
    # ssh takes 2 MiB on each of its channels before that one alone has to wait.
    return await _secure(sock, address, certificate, role, window=UNIX_WINDOW)


def _ours(sock: socket.socket) -> int | None:
    """Return the pid at the other end; PermissionError: it is not a process of ours."""
    pid, uid = unix_peer(sock)
    if uid not in {None, os.getuid()}:
        raise PermissionError(f"the process behind it belongs to user {uid}, not to you ({os.getuid()})")
    return pid


class _Securing:
    """Receives nothing; knows when TLS is there, or why not."""

    def __init__(self) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closing: Closing | None = None

    def on_messages(self, messages: list[Any]) -> None:
        raise ProtocolError("the controller spoke first")

    def on_closed(self, closing: Closing) -> None:
        self.closing = closing
        if not self.done.done():
            self.done.set_exception(ConnectionError(closing.words))

    def on_secured(self) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def _secure(sock: socket.socket, address: str, certificate: str, role: str, *, window: int) -> Connection:
    secrecy = Secrecy(peer_context(), server_side=False)
    securing = _Securing()
    try:
        transport, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(
                decoders.from_controller[role],
                kind="tls",
                window=window,
                address=address,
                secrecy=secrecy,
                on_made=lambda connection: connection.start(securing),
                on_secured=securing.on_secured,
            ),
            sock=sock,
        )
    except BaseException:
        with contextlib.suppress(OSError):  # uvloop closes the descriptor, but not the socket
            sock.close()
        raise
    leave_to(transport, sock)
    try:
        await securing.done
    except asyncio.CancelledError:
        connection.abort("not wanted any more")
        raise
    if securing.closing is not None:  # at the same moment
        raise ConnectionError(securing.closing.words)
    connection.certificate = secrecy.certificate() or b""
    if certificate and not is_the_certificate(certificate, connection.certificate):
        connection.abort("another certificate")
        raise NotLetIn(
            f"the controller at {address} has another certificate than the one in the connection file: the file is "
            "from an earlier start or from another cluster. Copy it again from the controller's security directory"
        )
    return connection
