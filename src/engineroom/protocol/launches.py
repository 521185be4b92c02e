"""What an engine or controller that a batch system, mpiexec or a person's launcher started is told of its start.

It travels in the environment, which such systems record: nothing in it is secret.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from engineroom.ids import Instance

VARIABLE = "ENGINEROOM_LAUNCH"


class Launch(NamedTuple):
    """`host`: the host that had it started; `set`: the set of engines it belongs to, "" for a controller;
    `cluster_id`: of their cluster, for scripts of the user's own that do not name it."""

    host: Instance
    set: str = ""
    cluster_id: str = ""

    def __str__(self) -> str:
        told = f"{self.host.hex()}/{self.set}"
        return f"{told}/{self.cluster_id}" if self.cluster_id else told


def parse_launch(text: str) -> Launch | None:
    """Return what `text` says, None if it says nothing."""
    host, _, rest = text.partition("/")
    name, _, cluster_id = rest.partition("/")
    try:
        return Launch(Instance(bytes.fromhex(host)), name, cluster_id) if host else None
    except ValueError:
        return None


def take_own_launch() -> str:
    """Return what this process was told, "" if nothing; what it starts itself is not told the same."""
    return os.environ.pop(VARIABLE, "")
