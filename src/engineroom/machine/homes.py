"""The user's home directory, if there is one."""

from __future__ import annotations

import os
from pathlib import Path

from engineroom.errors import LaunchError

ELSEWHERE = "Set IPYTHONDIR to a directory that you can write to (export IPYTHONDIR=/path/to/it), or use --profile-dir"
"""What to do when nothing can be kept in the home directory."""


class NoHome(LaunchError, OSError):
    """Nobody knows where the home directory is."""


def home() -> Path:
    """Return the home directory, which need not exist; NoHome: HOME is not set, and the user is not known here."""
    if not os.environ.get("HOME", "nothing"):
        raise NoHome(f"there is no home directory: HOME is empty. {ELSEWHERE}")
    try:
        return Path.home()
    except RuntimeError:
        user = f"user {os.getuid()}" if hasattr(os, "getuid") else "this user"
        raise NoHome(
            f"there is no home directory: HOME is not set, and {user} has no entry in the password database. "
            f"{ELSEWHERE}"
        ) from None


def expanded(path: str | os.PathLike[str]) -> Path:
    """Return `path` with a `~` at its beginning replaced, if there is a home directory."""
    return Path(os.path.expanduser(path))
