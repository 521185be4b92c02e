"""The engine's log: one file descriptor for records, stray output and fault dumps, bounded by rotation."""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import threading
from pathlib import Path

from engineroom.machine.logs import MAX_BYTES, FactsFormatter, rotate
from engineroom.machine.own_files import append_to, make_directory


class Log:
    """A file that is appended to, and rotated at `max_bytes`. Without a path: standard error as it was."""

    def __init__(self, path: str, *, max_bytes: int = MAX_BYTES) -> None:
        self._path, self._max_bytes = path, max_bytes
        self._lock = threading.RLock()  # a signal handler may log while its thread is in here
        if path:
            make_directory(Path(path).parent)
            self.descriptor = self._open()
        else:
            self.descriptor = os.dup(2)

    def write(self, text: str) -> None:
        with self._lock:
            data = text.encode("utf-8", "backslashreplace")
            if self._path and os.lseek(self.descriptor, 0, os.SEEK_END) + len(data) > self._max_bytes:
                self._rotate()
            try:
                os.write(self.descriptor, data)
            except OSError:
                return  # a full disk or a closed terminal must not stop tasks

    def close(self) -> None:
        os.close(self.descriptor)

    def _rotate(self) -> None:
        """Begin a new file under the same descriptor, which the fault handler knows by its number."""
        try:
            rotate(Path(self._path))
            fresh = self._open()
        except OSError:
            return
        os.dup2(fresh, self.descriptor, inheritable=False)
        os.close(fresh)

    def _open(self) -> int:
        return append_to(self._path)


class _Handler(logging.Handler):
    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log
        self.setFormatter(FactsFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        self._log.write(self.format(record) + "\n")


def open_log(path: str, level: str, *, crash: int | None = None, for_people: bool = True) -> Log:
    """Return the log at `path`, which from now on gets our log records, and all stacks at a crash or at SIGUSR1.

    `for_people`: what people must know (warnings and worse) goes to standard error as well, unless that is the same
    file. `crash`: descriptor that gets the stacks at a crash instead.
    """
    log = Log(path)
    ours = logging.getLogger("engineroom")
    ours.handlers = [_Handler(log)]
    if path and for_people and not _same_file(log.descriptor, 2):
        shown = _Handler(Log(""))
        shown.setLevel(logging.WARNING)
        ours.handlers.append(shown)
    ours.setLevel(level.upper())
    ours.propagate = False
    faulthandler.enable(log.descriptor if crash is None else crash)
    if hasattr(faulthandler, "register"):
        faulthandler.register(signal.SIGUSR1, log.descriptor)
    return log


def _same_file(one: int, two: int) -> bool:
    try:
        return os.path.sameopenfile(one, two)
    except OSError:
        return False
