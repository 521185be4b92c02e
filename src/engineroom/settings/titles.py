"""What `ps` and `top` show of a process."""

from __future__ import annotations


def set_title(title: str) -> None:
    """Show `title` for this process, where the platform and the installed packages allow it."""
    try:
        import setproctitle  # a C extension: everything works without it
    except ImportError:
        return
    setproctitle.setproctitle(title)
