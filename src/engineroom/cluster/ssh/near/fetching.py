"""Files that are fetched from another machine, over the connection that is there already."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from engineroom.cluster.launchers.ssh.command import pairs
from engineroom.cluster.ssh.messages import Fetch
from engineroom.cluster.ssh.near.machine import Machine
from engineroom.machine.homes import expanded
from engineroom.machine.own_files import make_directory
from engineroom.machine.private_files import write_private


async def fetch_all(machine: Machine, to_fetch: Sequence[Any]) -> None:
    """Fetch pairs of (there, here); LaunchError, OSError: one of them can't be."""
    for there, here in pairs(to_fetch, "to_fetch"):
        keep(here, await machine.ask(Fetch(path=there)))


def keep(here: str, text: str) -> None:
    """Write a file that was fetched."""
    path = expanded(here)
    make_directory(path.parent)
    write_private(path, base64.b64decode(text))
