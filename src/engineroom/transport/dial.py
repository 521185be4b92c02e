"""Finding a way to the controller, and getting in."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import random
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec

from engineroom.errors import ConnectionFailed, NotLetIn, ProtocolError
from engineroom.protocol.connection_files import ConnectionFile
from engineroom.protocol.handshake import PeerHandshake
from engineroom.protocol.messages import Challenge, Join, Refused, Welcome
from engineroom.transport import decoders
from engineroom.transport.connection import Connection
from engineroom.transport.secrecy import Secrecy
from engineroom.transport.sockets import (
    UNIX_WINDOW,
    check_socket,
    prepare_receive_buffer,
    prepare_unix,
    tcp_window,
    unix_peer,
    watch_liveness,
)
from engineroom.transport.tls import is_the_certificate, peer_context

CONNECT_TIMEOUT = 10.0
"""Seconds that one address, and then the handshake, may take."""

SILENT = 30.0
"""Seconds without a sign of life from the far machine after which a TCP connection counts as cut."""

_FIRST_DELAY, _LONGEST_DELAY = 0.05, 2.0


async def connect(
    info: ConnectionFile, *, role: str, join: Join, seconds: float = CONNECT_TIMEOUT, silent: float = SILENT
) -> tuple[Connection, Welcome]:
    """Return a trusted connection to the controller that `info` names; call its `start` next.

    `seconds`: how long one address, and then the handshake, may take. `silent`: without a sign of life, before a
    TCP connection counts as cut. `join`: who we are; its `proof` and `window` are filled in here. The Unix socket
    is tried first on the controller's own machine, then all addresses at once.
    ConnectionFailed: names each address tried and what it answered. NotLetIn: the controller said why.
    """
    failures: list[str] = []
    if info.same_machine and info.socket and os.environ.get("ENGINEROOM_TRANSPORT") != "tls":
        try:
            connection = await asyncio.wait_for(_dial_unix(info.socket, role), seconds)
            return await _handshake(connection, info, role, join, seconds)
        except (OSError, TimeoutError) as error:
            if isinstance(error, NotLetIn):
                raise
            failures.append(f"{info.socket}: {_words(error, seconds)}")
    connection = await _first_of(info, role, seconds, silent, failures)
    return await _handshake(connection, info, role, join, seconds)


async def attempts(deadline: float, *, rng: random.Random | None = None) -> AsyncIterator[int]:
    """Yield 0, 1, 2, ... with growing, jittered pauses between, until the loop's time is `deadline`."""
    rng = rng or random.Random()
    loop = asyncio.get_running_loop()
    delay, number = _FIRST_DELAY, 0
    while True:
        yield number
        pause = min(delay * rng.uniform(0.5, 1.5), deadline - loop.time())
        if pause <= 0:
            return
        await asyncio.sleep(pause)
        delay, number = min(delay * 2, _LONGEST_DELAY), number + 1


async def _dial_unix(path: str, role: str) -> Connection:
    check_socket(Path(path))
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_unix_connection(
        lambda: Connection(decoders.from_controller[role], kind="unix", window=UNIX_WINDOW, address=path), path
    )
    sock = connection.transport.get_extra_info("socket")
    prepare_unix(sock)
    pid, uid = unix_peer(sock)
    if uid not in {None, os.getuid()}:
        connection.abort("not ours")
        raise PermissionError(f"the process behind it belongs to user {uid}, not to us ({os.getuid()})")
    connection.peer_pid = pid
    return connection


async def _first_of(info: ConnectionFile, role: str, seconds: float, silent: float, failures: list[str]) -> Connection:
    """Return a connection to the address that answers first; `failures` gets the others' words, in their order."""
    candidates = info.candidates()
    dials = [
        asyncio.ensure_future(asyncio.wait_for(_dial_tls(host, port, info.certificate, role, silent), seconds))
        for host, port in candidates
    ]
    waiting = set(dials)
    try:
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for dial in done:
                if dial.exception() is None:
                    dials.remove(dial)
                    return dial.result()
    finally:
        for dial in dials:
            dial.add_done_callback(_abandon)
            dial.cancel()
    errors = [error for dial in dials if (error := dial.exception()) is not None]
    for error in errors:
        if isinstance(error, NotLetIn) or not isinstance(error, OSError | TimeoutError):
            raise error
    tried = zip(candidates, errors, strict=True)
    failures += [f"{host}:{port}: {_words(error, seconds)}" for (host, port), error in tried]
    raise ConnectionFailed(f"no way to the controller: {'; '.join(failures)}{_hint(info)}")


def _abandon(dial: asyncio.Future[Connection]) -> None:
    if not dial.cancelled() and dial.exception() is None:
        dial.result().abort("another address was faster")


def _hint(info: ConnectionFile) -> str:
    if not info.stale:
        return ""
    assert info.controller is not None
    return (
        f". The connection file is stale: its controller (pid {info.controller.pid}) has ended; "
        "start one by `ipcluster start` or `ipcontroller`"
    )


async def _dial_tls(host: str, port: int, certificate: str, role: str, silent: float) -> Connection:
    loop = asyncio.get_running_loop()
    errors: list[OSError] = []
    for family, _, _, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
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
        return await _secure(sock, f"{host}:{port}", certificate, role, Secrecy(peer_context(), server_side=False))
    raise errors[0] if errors else OSError("no address")


class _Securing:
    """Receives nothing; knows when TLS is there, or why not."""

    def __init__(self) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def on_messages(self, messages: list[Any]) -> None:
        raise ProtocolError("the controller spoke first")

    def on_closed(self, reason: str, *, clean: bool) -> None:
        del clean
        if not self.done.done():
            self.done.set_exception(ConnectionError(reason))

    def on_secured(self) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def _secure(sock: socket.socket, address: str, certificate: str, role: str, secrecy: Secrecy) -> Connection:
    securing, window = _Securing(), tcp_window(sock)
    try:
        _, connection = await asyncio.get_running_loop().create_connection(
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
    try:
        await securing.done
    except asyncio.CancelledError:
        connection.abort("not wanted any more")
        raise
    if not is_the_certificate(certificate, secrecy.certificate()):
        connection.abort("another certificate")
        raise NotLetIn(
            f"the controller at {address} shows another certificate than the connection file has: the file is "
            "of an earlier start or of another cluster. Fetch it again from the controller's security directory"
        )
    return connection


class _Handshaker:
    """Receives until the controller has let us in."""

    def __init__(self, connection: Connection, handshake: PeerHandshake, role: str, join: Join) -> None:
        self._connection, self._handshake, self._role, self._join = connection, handshake, role, join
        self.welcomed: asyncio.Future[Welcome] = asyncio.get_running_loop().create_future()

    def on_messages(self, messages: list[Any]) -> None:
        for index, message in enumerate(messages):
            match message:
                case Challenge():
                    self._answer(message)
                case Welcome():
                    self._connection.trust(decoders.from_controller[self._role], peer_window=message.window)
                    self._connection.pause(messages[index + 1 :])
                    if not self.welcomed.done():
                        self.welcomed.set_result(message)
                    return
                case Refused(reason=reason, final=final):
                    self._fail(NotLetIn(reason, final=final))
                    return
                case _:
                    raise ProtocolError(f"{type(message).__name__} in the middle of a handshake")

    def on_closed(self, reason: str, *, clean: bool) -> None:
        del clean
        self._fail(ConnectionFailed(f"{self._connection.address}: {reason}"))

    def _answer(self, challenge: Challenge) -> None:
        try:
            proof = self._handshake.proof(challenge)
        except NotLetIn as error:
            self._fail(error)
            return
        self._connection.send(msgspec.structs.replace(self._join, proof=proof, window=self._connection.window))

    def _fail(self, error: ConnectionFailed) -> None:
        if not self.welcomed.done():
            self.welcomed.set_exception(error)


async def _handshake(
    connection: Connection, info: ConnectionFile, role: str, join: Join, seconds: float
) -> tuple[Connection, Welcome]:
    handshake = PeerHandshake(role=role, key=info.exec_key, cluster_id=info.cluster_id)
    handshaker = _Handshaker(connection, handshake, role, join)
    connection.start(handshaker)
    connection.send(handshake.hello)
    try:
        return connection, await asyncio.wait_for(handshaker.welcomed, seconds)
    except TimeoutError:
        connection.abort("no answer")
        raise ConnectionFailed(
            f"the controller at {connection.address} accepted the connection and then said nothing for {seconds:g} s"
        ) from None
    except BaseException:
        connection.abort("not let in")
        raise


def _words(error: BaseException, seconds: float) -> str:
    if isinstance(error, TimeoutError) and not str(error):
        return f"no answer in {seconds:g} s"
    if isinstance(error, OSError) and error.errno is not None and error.errno in errno.errorcode:
        return f"{os.strerror(error.errno)} ({errno.errorcode[error.errno]})"
    return str(error) or type(error).__name__
