"""How many files, and so connections, a controller may have open at once."""

from __future__ import annotations

from engineroom.machine.open_files import allow, limit

_MOST = 65536
"""More connections than this a controller has no use for."""

FULL_FIX = (
    "raise the limit before you start the controller: `ulimit -n 65536` (for the system's limit see limits.conf(5))"
)


def allow_many() -> None:
    """Raise our limit, 1024 on most systems, to what the system lets us have without being asked."""
    allow(_MOST)


def full_words() -> str:
    """Return that there is no room for another connection."""
    return f"the controller cannot accept another connection: it has reached its limit of {limit() or 'all'} open files"
