"""Logs of other machines, as copies on this one."""

from __future__ import annotations

from pathlib import Path

from engineroom.cluster.ssh.messages import LogText
from engineroom.machine.logs import rotate
from engineroom.machine.own_files import append_to


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
