"""The logs of this machine's engines or controller, sent along as they are written."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from engineroom.cluster.ssh.messages import LogText

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
