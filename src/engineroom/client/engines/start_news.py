"""News of the cluster's start, for a client that waits for engines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engineroom.client.connection.whereabouts import profile_of
from engineroom.errors import ConnectionFileError, EngineroomError
from engineroom.protocol.connection_files import read_connection_file
from engineroom.protocol.questions import AskSteps, KnownSteps
from engineroom.trail.steps import Step, read_steps

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session

_ANSWER_WITHIN = 2.0
"""Seconds that the controller may take to tell of the steps it knows."""


class StartNews:
    """The steps of the cluster's start: from the profile if that is on this machine, else what the controller knows."""

    def __init__(self, session: Session, connection_file: Path | None) -> None:
        self._session = session
        self._path = None if connection_file is None else _steps_file_beside(connection_file)
        self._seen: tuple[int, int] | None = None
        self._steps: tuple[Step, ...] = ()

    def steps(self) -> tuple[Step, ...]:
        """Return the steps up to now."""
        if self._path is None:
            self._steps = self._asked()
            return self._steps
        try:
            found = self._path.stat()
        except OSError:
            return self._steps
        if self._seen != (found.st_mtime_ns, found.st_size):
            self._seen = (found.st_mtime_ns, found.st_size)
            self._steps = tuple(read_steps(self._path))
        return self._steps

    def _asked(self) -> tuple[Step, ...]:
        try:
            reply = self._session.ask(AskSteps(), "'steps'", timeout=_ANSWER_WITHIN)
            assert isinstance(reply, KnownSteps)
            return tuple(
                Step(at=s.at, who=s.who, step=s.step, ok=s.ok, words=s.words, fix=s.fix, n=s.n) for s in reply.steps
            )
        except (EngineroomError, TimeoutError):
            return self._steps  # the wait itself finds out when the controller is gone


def _steps_file_beside(connection_file: Path) -> Path | None:
    """Return the steps of the cluster whose profile the connection file lies in, None if it is a copy elsewhere."""
    profile = profile_of(connection_file)
    if profile is None:
        return None
    try:
        path = profile.steps_file(read_connection_file(connection_file).cluster_id)
    except ConnectionFileError:
        return None
    return path if path.exists() else None
