"""What to do when whoever reads our words has read enough, as `head` does."""

from __future__ import annotations

import os
import sys


def enough_read() -> int:
    """Return the exit code that shells have for it; Python would complain about what is still to be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141
