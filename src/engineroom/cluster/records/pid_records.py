"""Pid files: which process holds a name, for certain; the file is also the lock by which starts exclude each other.

A record names pid, start time, boot, host and pid namespace: a pid that is used again, another machine that shares
the directory, and another container are all told apart from the process itself.
"""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path

import msgspec

from engineroom.errors import LaunchError
from engineroom.machine.exits import ends_within
from engineroom.machine.own_files import UnsafeFile, read_own
from engineroom.machine.private_files import write_beside
from engineroom.machine.processes import ProcessRecord
from engineroom.transport.sockets import alone

ALREADY_RUNNING = 10
ALREADY_STOPPED = 11
NO_CLUSTER = 12
"""Exit codes of `ipcluster`."""


class Holder(Enum):
    """Who a pid file speaks of."""

    NOBODY = "nobody"
    RUNNING = "running"
    ENDED = "ended"
    """A process of this machine that is gone; its pid may be somebody else's now."""
    ELSEWHERE = "elsewhere"
    """A process of another machine or container: from here, nobody can tell whether it runs."""

    @property
    def may_run(self) -> bool:
        """Whether there is a process, as far as this machine can tell."""
        return self in {Holder.RUNNING, Holder.ELSEWHERE}


class AlreadyRunning(LaunchError):
    """The name is taken."""

    code = ALREADY_RUNNING

    def __init__(self, *, program: str, path: Path, record: ProcessRecord, way_out: str) -> None:
        self.path, self.record = path, record
        if record.here:
            words = f"{program} is already running, as process {record.pid} ({path}). {way_out}"
        else:
            words = (
                f"{program} may already be running on {record.host}, as process {record.pid} ({path}). This cannot "
                "be checked from here. Stop it there; if you are sure that it has ended, remove that file"
            )
        super().__init__(words)


def read(path: Path) -> ProcessRecord | None:
    """Return the record in `path`, None if there is none (or one that no engineroom of ours wrote)."""
    try:
        return msgspec.json.decode(read_own(path), type=ProcessRecord)
    except (FileNotFoundError, UnsafeFile, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def holder(record: ProcessRecord | None) -> Holder:
    """Return who `record` speaks of."""
    if record is None:
        return Holder.NOBODY
    if not record.here:
        return Holder.ELSEWHERE
    return Holder.RUNNING if record.alive else Holder.ENDED


def claim(path: Path, *, program: str, way_out: str, patience: float = 0.0) -> None:
    """Make `path` the record of this process; AlreadyRunning if another one holds it, or may.

    `way_out`: for its words, what to do then. `patience`: seconds that a holder of this machine may take to end.
    """
    ours = msgspec.json.encode(ProcessRecord.of_this_process())
    while not _link(path, ours):
        found = read(path)
        if found is not None and holder(found).may_run:
            if patience and found.here and _ends_within(patience, found):
                continue
            raise AlreadyRunning(program=program, path=path, record=found, way_out=way_out)
        remove_stale(path)


def _ends_within(seconds: float, record: ProcessRecord) -> bool:
    # If the pid is another process now, the record says so.
    return ends_within(seconds, record.pid) or not record.alive


def wait_for_end(path: Path, seconds: float) -> None:
    """Give the process of `path`, if it is of this machine, `seconds` to be gone."""
    found = read(path)
    if found is not None and found.here:
        _ends_within(seconds, found)


def remove_stale(path: Path) -> bool:
    """Remove `path` if its process is certainly gone; return whether it was so."""
    with alone(otherwise=path.parent):  # only processes of this machine can tell that a record is stale
        # Looked at again, alone: meanwhile somebody may have removed it and put a new one there.
        if not path.exists() or holder(read(path)).may_run:
            return False
        path.unlink(missing_ok=True)
        return True


def release(path: Path) -> None:
    """Remove `path` if it is the record of this process."""
    if read(path) == ProcessRecord.of_this_process():
        path.unlink(missing_ok=True)


def _link(path: Path, content: bytes) -> bool:
    """Create `path` with `content`, unless it exists; a link is exclusive on NFS too."""
    beside = write_beside(path, content, durable=False)  # a power cut ends the process that it names as well
    try:
        os.link(beside, path)
    except FileExistsError:
        return False
    except OSError:
        # An NFS server may have done it and its answer been lost: two links mean that it has.
        return beside.stat().st_nlink == 2
    finally:
        beside.unlink()
    return True
