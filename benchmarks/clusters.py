"""Clusters to measure: started for one case, in a profile of their own, gone afterwards."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from traitlets.config import Config

import engineroom as er
from benchmarks.work import noop

START_TIMEOUT = 60


@contextmanager
def cluster(
    engines: int, *, tls: bool = False, config: Config | None = None, answer: Callable[[], object] = noop
) -> Iterator[er.Client]:
    """Yield a client of a fresh cluster whose engines have all answered once, by calling `answer`.

    `tls`: every connection is TCP with TLS, as between machines, instead of a Unix socket. `config`: of the cluster.
    """
    home = Path(tempfile.mkdtemp(prefix="er-bench-"))
    changed = {"IPYTHONDIR": str(home), **({"ENGINEROOM_TRANSPORT": "tls"} if tls else {})}
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        with er.Cluster(n=engines, profile_dir=str(home / "profile_bench"), config=config or Config()) as rc:
            rc.wait_for_engines(engines, timeout=START_TIMEOUT)
            rc[:].apply_sync(answer)
            yield rc
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        shutil.rmtree(home, ignore_errors=True)


def processes() -> dict[str, list[psutil.Process]]:
    """Return this process ("client") and those it started, by their part in the cluster."""
    parts: dict[str, list[psutil.Process]] = {"client": [psutil.Process()]}
    for process in psutil.Process().children(recursive=True):
        parts.setdefault(part_of(process), []).append(process)
    return parts


def part_of(process: psutil.Process) -> str:
    """Return "controller", "engine", "spawner", "host" or "other", by the process's title."""
    title = " ".join(process.cmdline())
    return next((part for part in ("controller", "spawner", "engine ", "host") if part in title), "other").strip()


def cpu_seconds() -> dict[str, float]:
    """Return the CPU time that each part of the cluster, and this process, have used so far."""
    used = {}
    for part, members in processes().items():
        times = [member.cpu_times() for member in members]
        used[part] = sum(time.user + time.system for time in times)
    return used


def pss(process: psutil.Process) -> float:
    """Return the memory that would be free without `process`, in MB: shared pages count in shares."""
    return float(process.memory_full_info().pss) / 1e6
