"""Which process of this machine listens on a port, for people."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

_LISTENS = "0A"
"""The state of a socket that listens, as the kernel writes it."""


def holder_of(port: int, *, proc: Path = Path("/proc")) -> str:
    """Return "process 77 (python3)", "" if it cannot be seen: it is another user's, or there is no /proc."""
    inodes = set(_listening(port, proc))
    if not inodes:
        return ""
    for fds in list(proc.glob("[0-9]*/fd")):
        with contextlib.suppress(OSError):  # it has ended, or is another user's
            if any(_target(each) in inodes for each in fds.iterdir()):
                return f"process {fds.parent.name} ({(fds.parent / 'comm').read_text().strip()})"
    return ""


def _listening(port: int, proc: Path) -> Iterator[str]:
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in (proc / "net" / name).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                    yield f"socket:[{fields[9]}]"


def _target(link: Path) -> str:
    with contextlib.suppress(OSError):
        return os.readlink(link)
    return ""
