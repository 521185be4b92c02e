"""What the system knows of a controller that runs and yet does not answer."""

from __future__ import annotations

import psutil


def is_stopped(pid: int) -> bool:
    """Return whether the process `pid` of this machine is held by SIGSTOP or Ctrl-Z."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_STOPPED
    except (psutil.Error, OSError):
        return False  # it has ended meanwhile, or is not ours to look at
