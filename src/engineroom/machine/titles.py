"""What `ps` and `top` show of a process."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

_KEEP = "SPT_NOENV"
"""The variable by which setproctitle is told so; it looks at the first title."""


def set_title(title: str) -> None:
    """Show `title` for this process, where the platform and the installed packages allow it.

    Its short name, which Linux keeps beside the title, has no blanks: batch systems read it from /proc/PID/stat, and
    some (Slurm's `proctrack/linuxproc`) take a blank for the end of the name, and never find the process to end it.
    """
    try:
        import setproctitle  # a C extension: everything works without it
    except ImportError:
        return
    with _environment_kept():
        setproctitle.setproctitle(title)
    setproctitle.setthreadtitle(title.replace(" ", "-"))


@contextlib.contextmanager
def _environment_kept() -> Iterator[None]:
    """Have the title take the place of the command line only.

    It would otherwise run on into the environment that /proc/PID/environ shows, by which batch systems and CI find
    what a job has left. What is started from here sees nothing of it.
    """
    told = os.environ.get(_KEEP)
    os.environ[_KEEP] = "1"
    try:
        yield
    finally:
        if told is None:
            del os.environ[_KEEP]


def engine_title(engine: int, cluster_id: str) -> str:
    """Return the title of an engine."""
    return f"engineroom engine {engine}{f' [{cluster_id}]' if cluster_id else ''}"
