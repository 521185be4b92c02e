"""Whether two processes can have payloads in shared memory: both ends of a connection, or an engine and others."""

from __future__ import annotations

import os

from engineroom.machine.shared_memory.memfd import available
from engineroom.transport.connection import Connection


def can_carry() -> bool:
    """Return whether this process can have memory that other processes of this machine map."""
    return available() and os.access("/proc/self/fd", os.R_OK)


def can_share(connection: Connection) -> bool:
    """Return whether this process can open what the one at the far end has open."""
    if connection.kind != "unix" or connection.peer_pid is None or not available():
        return False
    try:
        os.readlink(f"/proc/{connection.peer_pid}/exe")  # takes the same rights as to open what it has open
    except OSError:  # it has other rights, or this PID namespace is another one
        return False
    return True
