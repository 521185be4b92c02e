"""The processes of peers, as far as this controller can see them."""

from __future__ import annotations

from engineroom.controller.links import Link
from engineroom.machine.processes import boot_id, host_name, pid_namespace


def pid_of(link: Link) -> int:
    """Return the pid of a peer's process in this PID namespace; 0: it is not to be seen from here.

    The kernel tells it of a peer that came through a Unix socket. Others tell it of themselves: that is believed of
    those on this machine and in this PID namespace only, and only if it is the pid of one process.
    """
    if link.connection.peer_pid:
        return link.connection.peer_pid
    info = link.info
    here = bool(info.boot_id) and info.boot_id == boot_id() and info.host == host_name()
    return info.pid if here and info.pid > 0 and info.pid_namespace in {"", pid_namespace()} else 0
