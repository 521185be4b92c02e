"""Connecting to a host's control socket."""

from __future__ import annotations

import socket
from pathlib import Path

from engineroom.transport.sockets import check_socket


def dial_host(path: str) -> socket.socket:
    """Return a connection to the control socket at `path`; OSError if nobody of ours is there."""
    check_socket(Path(path))
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.connect(path)
    except BaseException:
        sock.close()
        raise
    return sock
