"""How many files, and so connections, this process may have open at once."""

from __future__ import annotations

import contextlib


def allow(wanted: int) -> None:
    """Raise our limit to `wanted`, or as far as the system lets us have it without being asked; never lower it."""
    try:
        import resource  # not on every platform: the others have no such limit
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        with contextlib.suppress(ValueError, OSError):  # macOS has a limit below the one that it tells
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def limit() -> int | None:
    """Return how many files may be open, None if nobody knows."""
    try:
        import resource  # as above
    except ImportError:
        return None
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def share(parts: int, most: int) -> int:
    """Return how many files may be open for one purpose: a part of the limit, and no more than `most`."""
    files = limit()
    return most if files is None else max(8, min(most, files // parts))
