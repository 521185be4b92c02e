"""A controller whose profile was removed ends once no client uses it, since no new client can find it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from engineroom.core.state import ControllerState

log = logging.getLogger(__name__)

PATIENCE = 180.0
"""Seconds for which the directory with the keys may be missing: people move profiles, and file systems come back."""

_LOOKS = 6
"""How often within these it is looked whether the directory is there."""


class Home:
    """Calls `on_end(reason)` once `directory` has been missing for `seconds`, and `idle()` is true."""

    def __init__(
        self, directory: Path, *, idle: Callable[[], bool], on_end: Callable[[str], None], seconds: float = PATIENCE
    ) -> None:
        self._directory, self._idle, self._on_end, self._seconds = directory, idle, on_end, seconds
        self._missing_since: float | None = None
        self._told = False
        self._timer: asyncio.TimerHandle | None = None

    def watch(self) -> None:
        """Begin to look."""
        self._timer = asyncio.get_running_loop().call_later(self._seconds / _LOOKS, self._look)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        if not _is_missing(self._directory):
            self._missing_since, self._told = None, False
        elif self._missing_since is None:
            self._missing_since = now
        elif now - self._missing_since >= self._seconds and self._ends(now - self._missing_since):
            return
        self.watch()

    def _ends(self, seconds: float) -> bool:
        """Log that the directory is gone, and end the controller if no client uses it."""
        if not self._told:
            self._told = True
            log.warning(
                "the directory with this cluster's keys is gone, so no new client can find the cluster: %s",
                self._directory,
            )
        if not self._idle():
            return False
        minutes = max(1, round(seconds / 60))
        self._on_end(f"{self._directory} was removed {minutes} min ago, no client is connected, and no task is left")
        return True


def is_idle(state: ControllerState) -> bool:
    """Return whether no client is connected, and none that has gone has left a task behind."""
    return not state.clients and not any(session.tasks for session in state.sessions.values())


def _is_missing(directory: Path) -> bool:
    """Whether it certainly does not exist; a file system that does not answer says nothing of that."""
    try:
        directory.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False
