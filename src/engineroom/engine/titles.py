"""What `ps` and `top` show of a process."""

from __future__ import annotations


def set_title(title: str) -> None:
    """Show `title` for this process, where the platform and the installed packages allow it."""
    try:
        import setproctitle  # a C extension: an engine runs without it as well
    except ImportError:
        return
    setproctitle.setproctitle(title)


def engine_title(engine: int, cluster_id: str) -> str:
    return f"engineroom engine {engine}{f' [{cluster_id}]' if cluster_id else ''}"
