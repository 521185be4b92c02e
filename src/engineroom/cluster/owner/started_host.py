"""A host process, started by its owner."""

from __future__ import annotations

import os
import socket
import sys

from engineroom.cluster.launchers.process import ProcessLauncher
from engineroom.machine.standard_streams import fill_descriptors

_LAST_WORDS = 4096
"""Bytes looked at for the last line."""


class StartedHost:
    """A host process, which waits at the other end of `socket` for its plan."""

    def __init__(self, *, with_controller: bool) -> None:
        """Start it; LaunchError says why that can't be."""
        self.with_controller = with_controller
        fill_descriptors()
        self.launcher = ProcessLauncher()
        self.socket, its = socket.socketpair()
        self._errors = os.memfd_create("stderr of a host") if hasattr(os, "memfd_create") else None
        with its:
            what = "start" if with_controller else "engines"
            argv = [sys.executable, "-P", "-m", "engineroom.cluster.host.process", str(its.fileno()), what]
            try:
                self.handle = self.launcher.start(argv, descriptors=[its.fileno()], errors=self._errors)
            except BaseException:
                self.close()
                raise

    def last_words(self) -> str:
        """Return the last line of its stderr, which is empty unless something went very wrong; it is about to end."""
        if self._errors is None:
            return ""
        self.launcher.reap(self.handle, seconds=1.0)
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
        self.launcher.let_go(self.handle)
