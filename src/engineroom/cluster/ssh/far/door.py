"""The door by which a remote host is found again after a cut, and the wire that leads there."""

from __future__ import annotations

import os
import select
import socket
from pathlib import Path

from engineroom.cluster.records.leftovers import is_dead
from engineroom.transport.socket_places import find_socket, socket_directory


def door_path(door: str) -> Path:
    """Return the socket by which a remote host is found again."""
    return find_socket(f"{door}.remote")


class Door:
    """A socket that shows, from `open` to `close`, that the host of this name lives."""

    def __init__(self, name: str) -> None:
        self._name, self._path = name, Path()
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    def open(self) -> None:
        """Have others connect; OSError: the place for sockets can't be used."""
        self._path = socket_directory() / f"{self._name}.remote"
        for path in self._path.parent.glob("*.remote"):
            if is_dead(path):  # that of a host which was killed
                path.unlink(missing_ok=True)
        unseen = self._path.with_suffix(".new")  # one at which nobody listens yet would count as dead
        self.listener.bind(str(unseen))
        self.listener.listen(4)
        self.listener.setblocking(False)  # noqa: FBT003 (socket's own way)
        unseen.rename(self._path)

    def close(self) -> None:
        self.listener.close()
        if self._path.name:
            self._path.unlink(missing_ok=True)


def relay(door: str, read: int, write: int, heard: bytes) -> bool:
    """Be the wire between ssh and the host that was started as `door`, until either ends; False if it is not there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as host:
        try:
            host.connect(str(door_path(door)))
        except OSError:
            door_path(door).unlink(missing_ok=True)  # that of a host which was killed
            return False
        host.sendall(b"\n" + heard)  # who says nothing is not let in
        ends = {read: host.fileno(), host.fileno(): write}
        poll = select.poll()
        for descriptor in ends:
            os.set_blocking(descriptor, True)
            poll.register(descriptor, select.POLLIN)
        while True:
            for source, _ in poll.poll():
                data = _read(source)
                if data and _write(ends[source], data):
                    continue
                if source != read or data or _is_cut(write):
                    return True
                host.shutdown(socket.SHUT_WR)  # the owner has ended, and is to be known by that
                poll.unregister(read)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""


def _write(descriptor: int, data: bytes) -> bool:
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError:
        return False
    return True


def _is_cut(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, 0)
    return bool(poll.poll(100))
