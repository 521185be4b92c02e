"""Finding a way to the controller, and getting in."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec

from engineroom.errors import ConnectionFailed, NotLetIn, ProtocolError
from engineroom.protocol.closing import Closing
from engineroom.protocol.connection_files import ConnectionFile
from engineroom.protocol.handshake import PeerHandshake
from engineroom.protocol.messages import Challenge, Join, Message, Refused, Welcome
from engineroom.transport import decoders
from engineroom.transport.connection import Connection
from engineroom.transport.reaching import Note, by_address, by_tunnel, by_unix_socket
from engineroom.transport.sockets import watch_liveness
from engineroom.transport.tunnels import Tunnel
from engineroom.transport.ways import is_this_machine
from engineroom.transport.within_machine import can_carry, can_share

CONNECT_TIMEOUT = 10.0
"""Seconds that one address, and then the handshake, may take."""

SILENT = 30.0
"""Seconds without a sign of life after which a TCP connection counts as cut, until the controller has said how many."""

_HEAD_START = 0.05
"""Seconds that an address has before the next one is tried as well, unless it has failed."""

_LEAST = 0.05
"""Seconds that a step has even if the time for all of them is over."""

_FIRST_DELAY, _LONGEST_DELAY = 0.05, 1.3
"""Seconds between two tries: with the jitter, always less than a restarted controller waits for its engines."""

_SHARE = 1 / 6
"""... and this share of the time that has passed: whoever is back soon is found soon."""


class Failure(NamedTuple):
    """An address that was tried, and what came of it."""

    address: str
    words: str

    def __str__(self) -> str:
        return f"{self.address}: {self.words}"


class NoWay(ConnectionFailed):
    """No address led to the controller."""

    failures: Sequence[Failure] = ()


class _Candidate:
    """An address, how to connect to it, and what that waits for now."""

    __slots__ = ("address", "dial", "step")

    def __init__(self, address: str, dial: Callable[[Note], Awaitable[Connection]]) -> None:
        self.address, self.dial, self.step = address, dial, ""

    def note(self, step: str) -> None:
        self.step = step


class _Time:
    """How long the next step may take, when all of them together have a limit, too."""

    def __init__(self, step: float, whole: float | None) -> None:
        self._step = step
        self._end = None if whole is None else asyncio.get_running_loop().time() + whole

    def left(self, share: float = 1.0) -> float:
        """Return the seconds for a step that may take this `share` of what is left."""
        if self._end is None:
            return self._step
        return min(self._step, max(_LEAST, (self._end - asyncio.get_running_loop().time()) * share))


async def connect(
    info: ConnectionFile,
    *,
    role: str,
    join: Join,
    tunnel: Tunnel | None = None,
    seconds: float = CONNECT_TIMEOUT,
    whole: float | None = None,
    silent: float = SILENT,
) -> tuple[Connection, Welcome]:
    """Return a trusted connection to the controller that `info` names; call its `start` next.

    `seconds`: how long one address, and then the handshake, may take; `whole`: all together. `silent`: without a sign
    of life, before a TCP connection counts as cut. `join`: who we are; `proof`, `window` and `tunnel` are filled in
    here. `tunnel`: how to go through an ssh server if `info` names one, or a person does. The Unix socket is tried
    first on the controller's own machine, then all addresses at once, the better ones a moment earlier.
    ConnectionFailed: names each address tried and what it answered. NotLetIn: the controller said why.
    """
    if tunnel is not None:
        info = tunnel.way.through(info)
    failures: list[Failure] = []
    time = _Time(seconds, whole)
    left = time.left(0.5)  # the other half is for the addresses
    nobody_listened = False
    if info.same_machine and info.socket and os.environ.get("ENGINEROOM_TRANSPORT") != "tls":
        try:
            async with asyncio.timeout(left):
                connection = await by_unix_socket(info.socket, role)
            return await _handshake(connection, info, role, join, left)
        except (OSError, TimeoutError) as error:
            if isinstance(error, NotLetIn):
                raise
            nobody_listened = isinstance(error, FileNotFoundError | ConnectionRefusedError)
            failures.append(Failure(info.socket, _words(error, left)))
    if tunnel is not None and info.ssh and not info.same_machine and not is_this_machine(info.ssh):
        connection = await _through(tunnel, info, role, time, failures)
        join = msgspec.structs.replace(join, tunnel=info.ssh)
    else:
        connection = await _directly(info, role, time.left(), silent, failures)
        if nobody_listened:
            connection = await _rather_by_socket(connection, info, role, time.left(0.5))
    return await _handshake(connection, info, role, join, time.left())


async def attempts(deadline: float, *, rng: random.Random | None = None) -> AsyncIterator[int]:
    """Yield 0, 1, 2, ... with growing, jittered pauses between, until the loop's time is `deadline`."""
    rng = rng or random.Random()
    loop = asyncio.get_running_loop()
    begun, number = loop.time(), 0
    while True:
        yield number
        delay = min(max(_FIRST_DELAY, (loop.time() - begun) * _SHARE), _LONGEST_DELAY)
        pause = min(delay * rng.uniform(0.5, 1.5), deadline - loop.time())
        if pause <= 0:
            return
        await asyncio.sleep(pause)
        number += 1


async def _directly(
    info: ConnectionFile, role: str, seconds: float, silent: float, failures: list[Failure]
) -> Connection:
    candidates = [
        _Candidate(f"{host}:{port}", partial(by_address, host, port, info.certificate, role, silent))
        for host, port in info.candidates()
    ]
    connection = await _first_of(candidates, seconds, failures)
    if connection is None:
        raise _no_way(failures, _hint(info))
    return connection


async def _rather_by_socket(connection: Connection, info: ConnectionFile, role: str, seconds: float) -> Connection:
    """Return a connection by the Unix socket if somebody listens there now: the controller has just started."""
    try:
        async with asyncio.timeout(seconds):
            better = await by_unix_socket(info.socket, role)
    except (OSError, TimeoutError):
        return connection
    except BaseException:
        connection.abort("not wanted any more")
        raise
    connection.abort("the Unix socket is there by now")
    return better


async def _through(tunnel: Tunnel, info: ConnectionFile, role: str, time: _Time, failures: list[Failure]) -> Connection:
    """Return a connection by way of the ssh server that `info` names."""
    forwards = {f"{each} by way of {info.ssh}": each.path for each in await tunnel.open(info, time.left())}
    candidates = [
        _Candidate(address, partial(by_tunnel, path, address, info.certificate, role))
        for address, path in forwards.items()
    ]
    connection = await _first_of(candidates, time.left(), failures)
    if connection is None:
        said = await tunnel.last_words(info.ssh)
        raise _no_way(failures, f". {said}" if said else "")
    return connection


async def _first_of(candidates: Sequence[_Candidate], seconds: float, failures: list[Failure]) -> Connection | None:
    """Return a connection to the candidate that answers first; `failures` gets the others' words, in their order."""
    dials: list[asyncio.Future[Connection]] = []
    for number, candidate in enumerate(candidates):
        before = dials[-1] if dials else None
        dials.append(asyncio.ensure_future(_dial(candidate, seconds, before, number * _HEAD_START)))
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
    failures += [Failure(candidate.address, _words(error, seconds, candidate.step)) for candidate, error in tried]
    return None


async def _dial(
    candidate: _Candidate, seconds: float, before: asyncio.Future[Connection] | None, head_start: float
) -> Connection:
    if before is not None:
        await asyncio.wait([before], timeout=head_start)
    async with asyncio.timeout(seconds):
        return await candidate.dial(candidate.note)


def _no_way(failures: Sequence[Failure], hint: str) -> NoWay:
    error = NoWay(f"no way to the controller: {'; '.join(map(str, failures))}{hint}")
    error.failures = failures
    return error


def _abandon(dial: asyncio.Future[Connection]) -> None:
    if not dial.cancelled() and dial.exception() is None:
        dial.result().abort("another address was faster")


def _hint(info: ConnectionFile) -> str:
    if info.stale:
        assert info.controller is not None
        cluster = f" --cluster-id={info.cluster_id}" if info.cluster_id else ""
        return (
            f". The connection file is stale: its controller (pid {info.controller.pid}) has ended. "
            f"Start one with `ipcluster start{cluster}` or `ipcontroller{cluster}`"
        )
    if info.host and not info.same_machine and all(map(_is_loopback, info.candidates())):
        return (
            f". The controller listens on {info.host} for that machine only: make it listen for other machines "
            "(`ipcontroller --ip='*'`), or go through an ssh server (--ssh)"
        )
    return ""


def _is_loopback(candidate: tuple[str, int]) -> bool:
    host, _ = candidate
    return host.startswith("127.") or host in {"::1", "localhost"}


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
                    if message.shares:
                        self._share(message)
                    elif message.carries:
                        self._carry(message.carries)
                    _be_as_patient(self._connection, message.silent)
                    self._connection.pause(messages[index + 1 :])
                    if not self.welcomed.done():
                        self.welcomed.set_result(message)
                    return
                case Refused(reason=reason, final=final):
                    self._fail(NotLetIn(reason, final=final))
                    return
                case _:
                    raise ProtocolError(f"{type(message).__name__} in the middle of a handshake")

    def unsent(self, message: Message, why: str) -> None:
        """Fail for good: the same message would be too long each time."""
        kind = type(message).__name__
        error = ConnectionFailed(f"this {self._role} describes itself at too great length ({kind} message): {why}")
        error.final = True
        self._fail(error)

    def on_closed(self, closing: Closing) -> None:
        self._fail(ConnectionFailed(f"{self._connection.address}: {closing.words}"))

    def _answer(self, challenge: Challenge) -> None:
        try:
            proof = self._handshake.proof(challenge)
        except NotLetIn as error:
            self._fail(error)
            return
        connection = self._connection
        shares = self._role != "host" and can_share(connection)
        carries = self._role == "engine" and not shares and can_carry()
        join = msgspec.structs.replace(
            self._join, proof=proof, window=connection.window, shares=shares, carries=carries
        )
        connection.send(join)

    def _share(self, welcome: Welcome) -> None:
        from engineroom.machine.shared_memory.pool import SHARED  # only on one machine
        from engineroom.machine.shared_memory.room import total

        limit = welcome.shares
        SHARED.allow(min(limit, total() // 4) if welcome.usual else limit)
        self._connection.share(limit)

    def _carry(self, limit: int) -> None:
        from engineroom.transport.carrying import Carrying  # only with neighbours

        self._connection.share_with_neighbours(lambda _, incoming: Carrying(self._connection, incoming, limit))

    def _fail(self, error: ConnectionFailed) -> None:
        if not self.welcomed.done():
            self.welcomed.set_exception(error)


async def _handshake(
    connection: Connection, info: ConnectionFile, role: str, join: Join, seconds: float
) -> tuple[Connection, Welcome]:
    handshake = PeerHandshake(
        role=role, key=info.exec_key, cluster_id=info.cluster_id, certificate=connection.certificate
    )
    handshaker = _Handshaker(connection, handshake, role, join)
    connection.start(handshaker)
    log_unsent, connection.on_unsent = connection.on_unsent, handshaker.unsent
    connection.send(handshake.hello)
    try:
        async with asyncio.timeout(seconds):
            welcome = await handshaker.welcomed
        connection.on_unsent = log_unsent
        return connection, welcome
    except TimeoutError:
        connection.abort("no answer")
        raise ConnectionFailed(
            f"the controller at {connection.address} accepted the connection and then sent nothing for "
            f"{round(seconds, 1):g} s"
        ) from None
    except BaseException:
        connection.abort("not let in")
        raise


def _be_as_patient(connection: Connection, silent: float) -> None:
    """Count this connection as cut after `silent` seconds, as the controller does; 0: it has not said."""
    sock = connection.transport.get_extra_info("socket")
    if silent > 0 and sock is not None and sock.family in {socket.AF_INET, socket.AF_INET6}:
        watch_liveness(sock, silent=silent)


def _words(error: BaseException, seconds: float, step: str = "") -> str:
    if isinstance(error, TimeoutError) and not str(error):
        return f"no answer in {round(seconds, 1):g} s (ETIMEDOUT){' ' * bool(step)}{step}"
    if isinstance(error, socket.gaierror):
        return f"{error.strerror} ({_RESOLVING.get(error.errno or 0, error.errno)})"
    if isinstance(error, OSError) and error.errno is not None and error.errno in errno.errorcode:
        return f"{os.strerror(error.errno)} ({errno.errorcode[error.errno]})"
    return str(error) or type(error).__name__


_RESOLVING = {getattr(socket, name): name for name in dir(socket) if name.startswith("EAI_")}
