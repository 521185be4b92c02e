"""What an engine or controller that a batch system, mpiexec or a person's launcher started is told of its start.

It travels in the environment, which such systems record: nothing in it is secret.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from engineroom.ids import Instance

VARIABLE = "ENGINEROOM_LAUNCH"


class Launch(NamedTuple):
    """`host`: the host that had it started; `set`: the set of engines it belongs to, "" for a controller;
    `cluster_id`, `profile_dir`: of their cluster, for scripts of the user's own that do not name them."""

    host: Instance
    set: str = ""
    cluster_id: str = ""
    profile_dir: str = ""

    def __str__(self) -> str:
        return f"{self.host.hex()}/{self.set}/{self.cluster_id}/{self.profile_dir}".rstrip("/")

    def with_profile(self, argv: Sequence[str]) -> list[str]:
        """Return the arguments `argv` of the process, with the profile if they do not say one and it is here."""
        says = any("profile" in argument.partition("=")[0].lower() for argument in argv)
        here = self.profile_dir and os.path.isdir(self.profile_dir)
        return list(argv) if says or not here else [f"--profile-dir={self.profile_dir}", *argv]


def parse_launch(text: str) -> Launch | None:
    """Return what `text` says, None if it says nothing."""
    host, name, cluster_id, profile_dir, *_ = [*text.split("/", 3), "", "", ""]
    try:
        return Launch(Instance(bytes.fromhex(host)), name, cluster_id, profile_dir) if host else None
    except ValueError:
        return None


def take_own_launch() -> str:
    """Return what this process was told, "" if nothing; what it starts itself is not told the same."""
    return os.environ.pop(VARIABLE, "")
