"""Who has a file: one controller at a time."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

import msgspec

from engineroom.machine.processes import ProcessRecord
from engineroom.store.interface import StoreUnusable

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}


class Owner:
    """The right to write in the file at `path`, which a file beside it stands for."""

    def __init__(self, path: Path) -> None:
        self._path, self._beside = path, path.with_name(f"{path.name}.lock")
        self._descriptor: int | None = None

    def take(self) -> None:
        """Take the file; StoreUnusable: another controller has it. OSError: nothing can be written there."""
        while self._descriptor is None:
            descriptor = os.open(self._beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                self._lock(descriptor)
                if _is_still(self._beside, descriptor):
                    self._descriptor = descriptor
                    os.ftruncate(descriptor, 0)
                    os.pwrite(descriptor, msgspec.json.encode(ProcessRecord.of_this_process()), 0)
            finally:
                if self._descriptor is None:
                    os.close(descriptor)

    def release(self) -> None:
        """Let others have it."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            if _is_still(self._beside, descriptor):
                with contextlib.suppress(OSError):
                    self._beside.unlink()
            os.close(descriptor)

    def _lock(self, descriptor: int) -> None:
        try:
            if fcntl is not None:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise self._taken(_record_in(descriptor)) from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            # The file system has no locks, so what is written in the file has to do.
            record = _record_in(descriptor)
            if record is not None and (record.alive or not record.here):
                raise self._taken(record) from None

    def _taken(self, record: ProcessRecord | None) -> StoreUnusable:
        who = "another process" if record is None else f"the controller with pid {record.pid} on {record.host}"
        return StoreUnusable(
            f"{self._path} is in use by {who}. Stop that controller, or choose another file (SQLiteDB.filename)"
        )


def _record_in(descriptor: int) -> ProcessRecord | None:
    try:
        return msgspec.json.decode(os.pread(descriptor, 4096, 0), type=ProcessRecord)
    except (msgspec.MsgspecError, OSError):
        return None  # it is being written


def _is_still(path: Path, descriptor: int) -> bool:
    """Whether the file that is locked is the one at `path`: whoever had it before removes it at the end."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False
