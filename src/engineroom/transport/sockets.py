"""Sockets as we want them: liveness found by the kernel, buffers known, Unix sockets only from ourselves."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from engineroom.protocol.records import LARGE_CHUNK
from engineroom.transport.socket_places import NoSocketDirectory, check_private, socket_directory

UNIX_WINDOW = 1536 * 1024
_RECEIVE_BUFFER = 4 * 1024 * 1024
_UNIX_SEND_BUFFER = 1024 * 1024
_LEAST_WINDOW = 32 * 1024
_SIOCOUTQ = 0x5411
_LONGEST_SILENCE = 100_000.0
"""Seconds; the kernel takes no more than 32,767 s between probes."""


def prepare_receive_buffer(sock: socket.socket) -> None:
    """Ask for a large receive buffer; before `connect` or `listen`, for TCP fixes its window scale there."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)


def prepare_unix(sock: socket.socket) -> None:
    """Ask for a send buffer that takes several chunks at once."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _UNIX_SEND_BUFFER)


def leave_to(transport: asyncio.BaseTransport, sock: socket.socket) -> None:
    """Have `transport`, which was just made of `sock`, close it, and nobody else.

    A transport of uvloop that has ended before it was told of its socket closes the descriptor alone: the socket would
    close it once more later, when somebody else has that number.
    """
    if transport.is_closing() and not isinstance(asyncio.get_running_loop(), asyncio.BaseEventLoop):
        sock.detach()


def takes_large_chunks(sock: socket.socket) -> bool:
    """Whether the kernel takes a large chunk at once (it reports twice what was set)."""
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) > 2 * LARGE_CHUNK


def tcp_window(sock: socket.socket) -> int:
    """Return how many bytes of streams the far end may have under way to us.

    The kernel books its own overhead against the buffer, at worst as much again as the data; it also
    reports twice what was set (socket(7)).
    """
    return max(_LEAST_WINDOW, sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 4)


def all_received(transport: asyncio.Transport) -> bool:
    """Return whether the far end's kernel has all that was written; False also where this system does not tell."""
    sock = transport.get_extra_info("socket")
    if sys.platform != "linux" or sock is None or transport.get_write_buffer_size():
        return False
    import fcntl  # not on every platform

    try:
        return fcntl.ioctl(sock.fileno(), _SIOCOUTQ, bytes(4)) == bytes(4)
    except OSError:  # it is closed
        return False


def watch_liveness(sock: socket.socket, *, silent: float) -> None:
    """Have the kernel end the TCP connection when the far end is unreachable for `silent` seconds."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    silent = min(silent, _LONGEST_SILENCE)
    probe = max(1, int(silent / 4))
    if hasattr(socket, "TCP_KEEPIDLE"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, probe)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, probe)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, max(1, int(silent * 1000)))


@contextlib.contextmanager
def alone(*, wait: bool = True, otherwise: Path | None = None) -> Iterator[None]:
    """Exclude the other processes of this user on this machine; BlockingIOError: one is there, and we may not wait.

    `otherwise`: a directory to lock where there is none for sockets.
    """
    import fcntl  # not on every platform

    try:
        place = socket_directory()
    except NoSocketDirectory:
        if otherwise is None:
            raise
        place = otherwise
    directory = os.open(place, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(directory)


def check_socket(path: Path) -> None:
    """Raise OSError, in words, unless `path` is a socket of ours in a private directory of ours."""
    check_private(path.parent)
    found = path.lstat()
    if not stat.S_ISSOCK(found.st_mode):
        raise PermissionError(f"{path} is not a socket")
    if found.st_uid != os.getuid():
        raise PermissionError(f"{path} belongs to user {found.st_uid}, not to you ({os.getuid()})")


def lead_nowhere(descriptor: int) -> None:
    """Make `descriptor` lead to /dev/null; its number stays taken. For what a forked child has of its parent's."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, descriptor, inheritable=False)
    os.close(nowhere)


def unix_peer(sock: socket.socket) -> tuple[int | None, int | None]:
    """Return the (pid, uid) of the process at the other end, None where the system does not tell.

    A process that is not to be seen from this PID namespace is told as pid 0, which in a call of kill is one's own
    process group: it is None here.
    """
    if not hasattr(socket, "SO_PEERCRED"):
        return None, None
    pid, uid, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return pid or None, uid
