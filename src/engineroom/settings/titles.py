"""What `ps` and `top` show of a process."""

from __future__ import annotations


def set_title(title: str) -> None:
    """Show `title` for this process, where the platform and the installed packages allow it.

    Its short name, which Linux keeps beside the title, has no blanks: batch systems read it from /proc/PID/stat, and
    some (Slurm's `proctrack/linuxproc`) take a blank for the end of the name, and never find the process to end it.
    """
    try:
        import setproctitle  # a C extension: everything works without it
    except ImportError:
        return
    setproctitle.setproctitle(title)
    setproctitle.setthreadtitle(title.replace(" ", "-"))


def engine_title(engine: int, cluster_id: str) -> str:
    """Return the title of an engine."""
    return f"engineroom engine {engine}{f' [{cluster_id}]' if cluster_id else ''}"
