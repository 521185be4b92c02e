"""What people are told of engines that did not come."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from engineroom.cluster.sets.hosted import HostedEngine
from engineroom.cluster.sets.life.actions import SetShort
from engineroom.machine.logs import last_line


def all_engines(n: int) -> str:
    """Return "all 4 engines", of a set that has so many."""
    return "its engine" if n == 1 else f"all {n} engines"


def about_set(short: SetShort, *, timeout: float) -> str:
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


def about_engines(missing: Sequence[HostedEngine], n: int, *, timeout: float) -> str:
    """Return what is wrong with the first of `missing`, of `n` engines that were started one by one."""
    words = f"{len(missing)} of {n} engines did not register"
    dead = next((engine for engine in missing if engine.failed), None)
    if dead is not None:
        return f"{words}: engine {dead.label} ended, {dead.failed}; its log is {dead.log_file}"
    log_file = missing[0].log_file
    said = last_line(log_file)
    end = f"ends with: {said}" if said else "is empty"
    return f"{words} within {timeout:g} s; the log of one, {log_file}, {end}"
