"""What an engine or controller that a batch system, mpiexec or a person's launcher started is told of its start.

It travels in the environment, which such systems record: nothing in it is secret.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from engineroom.ids import Instance

VARIABLE = "ENGINEROOM_LAUNCH"


class Launch(NamedTuple):
    """`host`: the host that had it started; `set`: the set of engines it belongs to, "" for a controller."""

    host: Instance
    set: str = ""

    def __str__(self) -> str:
        return f"{self.host.hex()}/{self.set}"


def parse_launch(text: str) -> Launch | None:
    """Return what `text` says, None if it says nothing."""
    host, _, name = text.partition("/")
    try:
        return Launch(Instance(bytes.fromhex(host)), name) if host else None
    except ValueError:
        return None


def take_own_launch() -> str:
    """Return what this process was told, "" if nothing; what it starts itself is not told the same."""
    return os.environ.pop(VARIABLE, "")
