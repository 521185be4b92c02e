"""How many files, and so connections, a controller may have open at once."""

from __future__ import annotations

_MOST = 65536
"""More connections than this a controller has no use for."""

FULL_FIX = "raise the limit where the controller is started: `ulimit -n 65536`; the system's is in limits.conf(5)"


def allow_many() -> None:
    """Raise our limit, 1024 on most systems, to what the system lets us have without being asked."""
    import resource  # not on every platform

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST if hard == resource.RLIM_INFINITY else min(hard, _MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def full_words() -> str:
    """Return that there is no room for another connection."""
    import resource  # as above

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return f"the controller has no room for another connection: it may have {limit} files open, and has"
