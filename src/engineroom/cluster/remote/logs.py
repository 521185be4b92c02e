"""The logs of engines on other machines: sent along as they are written, and kept here."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from engineroom.cluster.remote.words import LogText
from engineroom.machine.logs import rotate
from engineroom.machine.own_files import append_to

CONTROLLER = -1
"""Its key: it is no engine."""

_MOST = 256 * 1024
"""Bytes of one log that are sent at a time; of more, the middle is left out."""


class LogFeed:
    """What was appended to some log files since the last look."""

    def __init__(self, tell: Callable[[LogText], None]) -> None:
        self._tell = tell
        self._seen: dict[int, tuple[int, int]] = {}

    def look(self, key: int, path: str | os.PathLike[str]) -> None:
        """Tell what is new in the log of `key`, at `path`."""
        try:
            with Path(path).open("rb") as file:
                found = os.fstat(file.fileno())
                file_number, at = self._seen.get(key, (0, 0))
                anew = found.st_ino != file_number or found.st_size < at
                at = 0 if anew else at
                if found.st_size == at and not anew:  # one that is still empty is told too: there is a log
                    return
                text = self._read(file.fileno(), at, found.st_size)
        except OSError:
            return  # not there yet
        self._seen[key] = (found.st_ino, found.st_size)
        self._tell(LogText(key, text, anew))

    @staticmethod
    def _read(descriptor: int, start: int, end: int) -> str:
        if end - start <= _MOST:
            return os.pread(descriptor, end - start, start).decode(errors="replace")
        half = _MOST // 2
        first, last = (os.pread(descriptor, half, at).decode(errors="replace") for at in (start, end - half))
        return f"{first}\n[{end - start - _MOST} bytes left out here]\n{last}"


class LogCopy:
    """A log of another machine, as a file on this one."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def take(self, said: LogText) -> None:
        """Append what was said; OSError if the disk is full."""
        if said.anew:
            rotate(self.path)
        with open(append_to(self.path, anew=said.anew), "a", encoding="utf-8", errors="replace") as file:
            file.write(said.text)
