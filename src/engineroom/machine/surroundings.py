"""What engines of this machine get unasked: how many, how many threads each, and the caller's directories."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_FIRST = "OMP_NUM_THREADS"
_OTHERS = (
    "BLIS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def cores(*, quota_file: Path = _CPU_QUOTA) -> int:
    """Return how many cores this process may use: its affinity and its container's quota, in `quota_file`, count."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = quota_file.read_text(encoding="ascii").split()
        return max(1, min(available, math.ceil(int(quota) / int(period))))
    except (OSError, ValueError):
        return available  # no such file, or "max": no quota


def thread_limits(engines: int, *, cores: int, environment: Mapping[str, str]) -> dict[str, str]:
    """Return variables that let each engine's numerical libraries use its share of the cores, and no more.

    What the user has set stays; OMP_NUM_THREADS stands for all, for the libraries go by it where their own is not set.
    """
    if environment.get(_FIRST):
        return {}
    share = str(max(1, cores // max(1, engines)))
    return {name: share for name in (_FIRST, *_OTHERS) if not environment.get(name)}


def own_directory() -> str:
    """Return the working directory as the user knows it, links and all; "" if it was removed."""
    try:
        here = os.getcwd()
    except OSError:
        return ""
    known = os.environ.get("PWD", "")
    return known if os.path.isabs(known) and os.path.realpath(known) == here else here


def own_module_path(path: Sequence[str] | None = None) -> list[str]:
    """Return `sys.path` of this process so that it means the same elsewhere: "" is the working directory."""
    entries = sys.path if path is None else path
    return list(dict.fromkeys(entry or own_directory() for entry in entries))
