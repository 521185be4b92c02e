"""How many files, and so connections, a controller may have open at once."""

from __future__ import annotations

from engineroom.settings.open_files import allow, limit

_MOST = 65536
"""More connections than this a controller has no use for."""

FULL_FIX = "raise the limit where the controller is started: `ulimit -n 65536`; the system's is in limits.conf(5)"


def allow_many() -> None:
    """Raise our limit, 1024 on most systems, to what the system lets us have without being asked."""
    allow(_MOST)


def full_words() -> str:
    """Return that there is no room for another connection."""
    return f"the controller has no room for another connection: it may have {limit() or 'no more'} files open, and has"
