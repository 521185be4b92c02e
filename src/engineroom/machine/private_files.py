"""Files that only their owner can read, from their first byte on, and that are there whole or not at all.

They are written beside their place, under a name that says which process does it: what is left of one that was killed
meanwhile can be told from what another one is writing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from engineroom.machine.processes import host_name, pid_namespace, start_time


def write_private(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Replace `path` by a file with `data`. `durable`: one that a power cut does not undo."""
    beside = write_beside(path, data, durable=durable)
    try:
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def write_beside(path: Path, data: bytes, *, durable: bool = True) -> Path:
    """Write `data` to a new file in the directory of `path`; return its path, of which the caller is to make
    something."""
    writer = "~".join((str(os.getpid()), start_time(os.getpid()) or "", *_machine()))
    beside = path.with_name(f".{path.name}.{uuid4().hex[:8]}~{writer}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    return beside


def unfinished(directory: Path) -> Iterator[Path]:
    """Yield what processes of this machine that have certainly ended were writing in `directory`."""
    for path in directory.glob(".*~*"):
        _, *writer = path.name.rsplit("~", 4)
        match writer:
            case pid, started, *machine if machine == _machine() and pid.isdecimal():
                if start_time(int(pid)) != started:
                    yield path


def _machine() -> list[str]:
    """Return where a pid means something: the number of its namespace, and the host."""
    return [re.sub(r"\D", "", pid_namespace()), host_name()]
