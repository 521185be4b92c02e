"""What people are told of engines that did not come."""

from __future__ import annotations

import os
from pathlib import Path

from engineroom.cluster.sets.life.actions import SetShort
from engineroom.machine.logs import last_line


def about_missing(short: SetShort, *, timeout: float) -> str:
    """Return what is wrong with a set of which engines are missing, and where their output is."""
    words = f"{short.missing} of {short.n} engines did not register"
    words += f" within {timeout:g} s of their start" if short.how is None else f": {short.how}"
    if not short.log_file:
        return words
    log_file = Path(short.log_file)
    said = last_line(log_file)
    end = f", which ends with: {said}" if said not in words else ""
    a_file_each = not log_file.exists() and any(log_file.parent.glob(f"{log_file.name}.*"))
    place = f"{log_file}{'.*' if a_file_each else ''}"
    return f"{words}{'; ' if len(words.splitlines()) == 1 else os.linesep}their output: {place}{end}"
