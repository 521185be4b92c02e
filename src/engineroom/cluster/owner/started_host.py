"""A host process, started by its owner."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys

from engineroom.errors import LaunchError
from engineroom.machine.exits import end_process, exit_of
from engineroom.machine.left_behind import staying
from engineroom.machine.standard_streams import fill_descriptors

_LAST_WORDS = 4096
"""Bytes looked at for the last line."""


class StartedHost:
    """A host process, which waits at the other end of `socket` for its plan."""

    def __init__(self, *, with_controller: bool) -> None:
        """Start it; LaunchError says why that can't be."""
        self.with_controller = with_controller
        fill_descriptors()
        self.socket, its = socket.socketpair()
        self._errors = os.memfd_create("stderr of a host") if hasattr(os, "memfd_create") else None
        with its:
            what = "start" if with_controller else "engines"
            argv = [sys.executable, "-P", "-m", "engineroom.cluster.host.process", str(its.fileno()), what]
            try:
                self._process = subprocess.Popen(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL if self._errors is None else self._errors,
                    pass_fds=(its.fileno(),),
                    env=staying(os.environ),  # it outlives us, unless it is told otherwise
                    start_new_session=True,
                )
            except OSError as error:
                self.close()
                raise LaunchError(f"{sys.executable} can't be started: {error}") from error

    def last_words(self) -> str:
        """Return the last line of its stderr, which is empty unless something went very wrong; it is about to end."""
        if self._errors is None:
            return ""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        size = os.fstat(self._errors).st_size
        said = os.pread(self._errors, _LAST_WORDS, max(0, size - _LAST_WORDS)).decode(errors="replace")
        return next(reversed(said.split("\n")[:-1]), "")

    def close(self) -> None:
        """Let go of all that we hold of it."""
        self.socket.close()
        self.forget_words()

    def forget_words(self) -> None:
        """Let go of its stderr."""
        errors, self._errors = self._errors, None
        if errors is not None:
            os.close(errors)

    def let_go(self) -> None:
        """Let it live on without us."""
        self._process.returncode = 0  # it is nobody's business here any more

    async def end_within(self, seconds: float) -> None:
        """Wait for its end; after so many `seconds`, end it."""
        if not await exit_of(self._process.pid, self._ended, seconds):
            await end_process(self._process.pid, self._ended)

    def _ended(self) -> bool:
        return self._process.poll() is not None
