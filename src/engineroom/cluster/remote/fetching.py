"""Files that are fetched from another machine, over the connection that is there already."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from engineroom.cluster.launchers.ssh import pairs
from engineroom.cluster.remote.machine import Machine
from engineroom.cluster.remote.words import Fetch
from engineroom.errors import LaunchError
from engineroom.machine.homes import expanded, home
from engineroom.machine.own_files import make_directory
from engineroom.machine.private_files import write_private

_MOST = 64 * 1024 * 1024


def contents(path: str) -> str:
    """Return what is in a file of this machine, as base64; `path` is below the home directory, absolute, or with ~."""
    found = home() / expanded(path)
    if found.stat().st_size > _MOST:
        raise LaunchError(f"{path} is longer than {_MOST} bytes: fetch it by scp or rsync")
    return base64.b64encode(found.read_bytes()).decode()


async def fetch_all(machine: Machine, to_fetch: Sequence[Any]) -> None:
    """Fetch pairs of (there, here); LaunchError, OSError: one of them can't be."""
    for there, here in pairs(to_fetch, "to_fetch"):
        keep(here, await machine.ask(Fetch(path=there)))


def keep(here: str, text: str) -> None:
    """Write a file that was fetched."""
    path = expanded(here)
    make_directory(path.parent)
    write_private(path, base64.b64decode(text))
