"""Logs: one file for each process, rotated; on a terminal, plain lines."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path

from engineroom.machine.own_files import append_to
from engineroom.machine.standard_streams import say_to

KEPT = 3
"""Earlier files of one process that are kept, as NAME.log.1 (the latest) and so on."""

MAX_BYTES = 10 * 1024 * 1024

_END = 4096
"""Bytes in which the last line of a log is looked for."""

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class FactsFormatter(logging.Formatter):
    """`time LEVEL text  key=value ...`: the text is constant, the facts are the record's extra fields."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        facts = [f"{key}={value}" for key, value in vars(record).items() if key not in _STANDARD]
        return "  ".join([super().formatMessage(record), *facts])


class RotatingFile(logging.FileHandler):
    """A log file that starts anew with each process and each `MAX_BYTES`; the last `KEPT` stay beside it."""

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES) -> None:
        rotate(path)
        super().__init__(path, encoding="utf-8", errors="backslashreplace")
        self._max_bytes = max_bytes
        self._told = False

    def _open(self) -> TextIOWrapper:
        return open(append_to(self.baseFilename), "a", encoding=self.encoding, errors=self.errors)

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        try:
            if self.stream is not None and self.stream.tell() > self._max_bytes:
                self.close()
                rotate(Path(self.baseFilename))
                self.stream = self._open()
        except OSError:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        """Say once that a disk is full, or what else there is: a log that can't be written stops nothing."""
        error = sys.exception()
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._told:
            self._told = True
            say_to(sys.stderr, f"the log {self.baseFilename} can't be written: {error.strerror or error}")


def rotate(path: Path) -> None:
    """Make way for a new file at `path`: an old one becomes `path`.1, that one `path`.2, and so on."""
    if not path.exists() or not path.stat().st_size:
        return
    for number in range(KEPT, 0, -1):
        older = path.with_name(f"{path.name}.{number - 1}") if number > 1 else path
        with contextlib.suppress(FileNotFoundError):
            older.replace(path.with_name(f"{path.name}.{number}"))


def end_of(path: str | os.PathLike[str], size: int = _END) -> str:
    """Return the last `size` bytes of a file as text, "" if it is not to be had (here, or yet)."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - size))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def last_line(path: str | os.PathLike[str]) -> str:
    """Return the last line of a log that says something, "" if there is none."""
    return last_said(end_of(path).splitlines())


def last_said(lines: Sequence[str]) -> str:
    """Return the last of `lines` that has a letter or a digit, "" if there is none."""
    return next((line.strip() for line in reversed(lines) if any(map(str.isalnum, line))), "")


def last_written(path: Path) -> float:
    """Return when a file was last written, as time.time() counts; 0.0 if that can't be seen, or it is gone."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def remove_log(path: Path) -> None:
    """Remove a log, and the earlier ones that are kept of it."""
    for each in [each for each in path.parent.iterdir() if each.name.startswith(path.name)]:
        each.unlink(missing_ok=True)


def set_up(level: str | int, file: Path | None = None) -> None:
    """Log what engineroom says at `level` and above to `file`, or to stderr."""
    handler: logging.Handler = logging.StreamHandler(sys.stderr) if file is None else RotatingFile(file)
    handler.setFormatter(FactsFormatter())
    root = logging.getLogger()
    root.addHandler(handler)
    logging.getLogger("engineroom").setLevel(level)
    logging.captureWarnings(capture=True)
