"""A peer's share in the ssh tunnel of its machine: engines and clients of one user, here, use one together."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import msgspec

from engineroom.errors import ConnectionFailed
from engineroom.machine.exits import exit_of_child
from engineroom.machine.left_behind import staying
from engineroom.machine.lines import Lines
from engineroom.machine.processes import host_name, network_namespace
from engineroom.protocol.connection_files import ConnectionFile
from engineroom.transport.socket_places import socket_directory
from engineroom.transport.sockets import alone, check_socket, lead_nowhere
from engineroom.transport.ssh_tunnel import Forward, advice, is_permanent, lead_command, master_check, tunnel_command
from engineroom.transport.tunnel_plan import TunnelPlan
from engineroom.transport.ways import Way

_MOST_ADDRESSES = 12
_BACKLOG = 1024
_TRIES = 50
_LOOK_EVERY = 0.02
_LAST_WORDS = 1.0
"""Seconds within which ssh says why an address can't be reached, after it has closed the connection."""


class TunnelFailed(ConnectionFailed):
    """ssh does not lead there. `words`: its own; `fix`: what to do; `final`: before that, trying again is no use."""

    def __init__(self, words: str, fix: str = "", *, final: bool = False) -> None:
        self.words, self.fix, self.final = words, fix, final
        super().__init__(words, fix)

    def __str__(self) -> str:
        return f"{self.words}. {self.fix}" if self.fix else self.words


class Tunnel:
    """Leads through the ssh server that a connection file, or a person, names; until `close`."""

    def __init__(self, way: Way | None = None) -> None:
        """`way`: what a person says about it, beyond what connection files say."""
        self.way = way or Way()
        self._lease: _Lease | None = None
        self._was_open = False

    async def open(self, info: ConnectionFile, seconds: float) -> list[Forward]:
        """Return the sockets that lead to the addresses of `info`, once ssh is connected, within `seconds`.

        TunnelFailed says what ssh said and what to do about it.
        """
        if not hasattr(socket, "AF_UNIX"):
            raise TunnelFailed("ssh tunnels need Unix sockets, which this platform does not have", final=True)
        plan, forwards = _plan(self.way, info)
        try:
            async with asyncio.timeout(seconds):
                if self._lease is None or self._lease.closed or self._lease.control != plan.control:
                    self.close()
                    self._lease = await _join(plan)
                await self._lease.opened()
        except TimeoutError:
            raise TunnelFailed(f"ssh {info.ssh}: not connected within {round(seconds, 1):g} s") from None
        except _Down as error:
            words = str(error) or "it ended without a message"
            final = is_permanent(words) and not self._was_open
            raise TunnelFailed(f"ssh {info.ssh}: {words}", advice(words, info.ssh), final=final) from None
        except OSError as error:
            if isinstance(error, TunnelFailed):
                raise
            raise TunnelFailed(f"no tunnel through {info.ssh}: {error}") from error
        self._was_open = True
        return forwards

    async def last_words(self, server: str) -> str:
        """Return what ssh says of connections through it that were closed, and what to do; "" if it says nothing."""
        lease = self._lease
        if lease is None:
            return ""
        with contextlib.suppress(TimeoutError, _Down):
            async with asyncio.timeout(_LAST_WORDS):
                while not lease.said:
                    await lease.news()
        return str(TunnelFailed(f"ssh {server} says: {lease.said}", advice(lease.said, server))) if lease.said else ""

    def close(self) -> None:
        """Use it no more."""
        if self._lease is not None:
            self._lease.leave()
            self._lease = None

    def leave_to_parent(self) -> None:
        """In a forked child: have no part in it."""
        if self._lease is not None:
            self._lease.leave_to_parent()


class _Down(Exception):
    """The tunnel is not there; the words are ssh's."""


class _Lease(asyncio.Protocol):
    """The connection to the guard, which ends the tunnel once nobody has one; it tells how ssh is."""

    def __init__(self, control: str) -> None:
        self.control = control
        self.state = self.said = ""
        self.closed = False
        self._heard = Lines()
        self._transport: asyncio.BaseTransport | None = None
        self._waiting: set[asyncio.Future[None]] = set()

    async def opened(self) -> None:
        """Return once ssh is connected; _Down: it could not."""
        while self.state != "open":
            await self.news()
            if self.state == "down":
                raise _Down(self.said)

    async def news(self) -> None:
        """Return when there is something new; _Down: the guard is gone."""
        if self.closed:
            raise _Down(self.said)
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        try:
            await waiting
        finally:
            self._waiting.discard(waiting)

    def leave(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def leave_to_parent(self) -> None:
        if self._transport is not None and not self.closed:
            lead_nowhere(self._transport.get_extra_info("socket").fileno())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        for line in self._heard.take(data):
            news = json.loads(line)
            self.state, self.said = news["state"], news["said"]
            self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        del error
        self.closed, self.state = True, "down"
        self._wake()

    def _wake(self) -> None:
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)


def _plan(way: Way, info: ConnectionFile) -> tuple[TunnelPlan, list[Forward]]:
    """Return the tunnel to `info`: the same for all peers of this user, on this machine, that go the same way."""
    arguments = way.ssh_arguments(info.ssh)
    addresses = info.candidates()[:_MOST_ADDRESSES]
    # With another agent ssh may be let in where it was not.
    where = [host_name(), network_namespace(), os.environ.get("SSH_AUTH_SOCK", "")]
    key = hashlib.blake2b(json.dumps([arguments, addresses, where]).encode(), digest_size=8).hexdigest()
    place = socket_directory()
    forwards = [Forward(host, port, str(place / f"{key}-{n}.ssh")) for n, (host, port) in enumerate(addresses)]
    plan = TunnelPlan(
        command=tunnel_command(arguments, forwards),
        check=master_check(arguments),
        control=str(place / f"{key}.tunnel"),
        paths=[forward.path for forward in forwards],
        leads=[lead_command(arguments, forward) for forward in forwards],
        title=f"engineroom tunnel through {info.ssh}",
    )
    return plan, forwards


async def _join(plan: TunnelPlan) -> _Lease:
    """Return a share in the tunnel, which is started if nobody has it yet."""
    loop = asyncio.get_running_loop()
    for _ in range(_TRIES):
        if not _is_there(plan.control):
            await _start_guard(plan)
        try:
            check_socket(Path(plan.control))
            _, lease = await loop.create_unix_connection(lambda: _Lease(plan.control), plan.control)
        except (FileNotFoundError, ConnectionRefusedError, BlockingIOError):  # started by another, just now
            await asyncio.sleep(_LOOK_EVERY)
            continue
        try:
            await lease.news()
        except _Down:
            continue  # it was about to end
        except BaseException:
            lease.leave()  # who waited for it does no more
            raise
        if not lease.closed:
            return lease
    raise TunnelFailed(
        "the process that keeps the tunnel open ends at once",
        "Run `python -m engineroom.transport.tunnel_guard` to see why",
    )


async def _start_guard(plan: TunnelPlan) -> None:
    """Have a guard run, unless somebody else has started it meanwhile; it can be connected to at once."""
    try:
        with alone(wait=False):
            process = None if _is_there(plan.control) else _guard(plan)
    except BlockingIOError:
        return  # somebody else is at it
    if process is None:
        return
    try:
        await exit_of_child(process)  # it forks at once: a guard is nobody's child
    finally:
        process.wait()


def _is_there(control: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0)
        try:
            probe.connect(control)
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except BlockingIOError:
            return True  # many are connecting
        return True


def _sweep() -> None:
    """Remove what guards have left that were killed when nobody used their tunnels any more."""
    place = socket_directory()
    for control in place.glob("*.tunnel"):
        if not _is_there(str(control)):
            control.unlink(missing_ok=True)
    for path in place.glob("*-*.ssh"):
        if not (place / f"{path.stem.rpartition('-')[0]}.tunnel").exists():
            path.unlink(missing_ok=True)


def _guard(plan: TunnelPlan) -> subprocess.Popen[bytes]:
    _sweep()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(plan.control)
        os.chmod(plan.control, 0o600)
        listening.listen(_BACKLOG)
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "engineroom.transport.tunnel_guard", str(listening.fileno())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[listening.fileno()],
            env=staying(os.environ),  # other engines and clients use it as well
            start_new_session=True,
        )
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError), process.stdin as stdin:
        stdin.write(msgspec.json.encode(plan) + b"\n")
    return process
