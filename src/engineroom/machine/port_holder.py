"""Which process of this machine listens on a port, for people."""

from __future__ import annotations

import contextlib


def holder_of(port: int) -> str:
    """Return "process 77 (python3)", "" if it cannot be seen: it is another user's, or this system does not tell."""
    import psutil  # few ports are taken

    with contextlib.suppress(psutil.Error, OSError):  # it has ended, or nobody but root may ask
        for each in psutil.net_connections("tcp"):
            if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == port and each.pid:
                return f"process {each.pid} ({psutil.Process(each.pid).name()})"
    return ""
