"""Files of this machine that the near side fetches."""

from __future__ import annotations

import base64

from engineroom.errors import LaunchError
from engineroom.machine.homes import expanded, home

_MOST = 64 * 1024 * 1024


def contents(path: str) -> str:
    """Return what is in a file of this machine, as base64; `path` is below the home directory, absolute, or with ~."""
    found = home() / expanded(path)
    if found.stat().st_size > _MOST:
        raise LaunchError(f"{path} is longer than {_MOST} bytes: fetch it by scp or rsync")
    return base64.b64encode(found.read_bytes()).decode()
