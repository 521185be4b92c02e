"""Which processes run. Any of them may end while it is looked at: one that has, or is a zombie, is left out."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil


def with_titles(processes: Iterable[psutil.Process]) -> Iterator[tuple[psutil.Process, str]]:
    """Yield those that run and may be looked at, each with its title: its command line in one string."""
    for process in processes:
        try:
            if process.status() != psutil.STATUS_ZOMBIE:
                yield process, " ".join(process.cmdline())
        except (psutil.Error, OSError):
            continue  # gone meanwhile, or somebody else's


def children() -> list[psutil.Process]:
    """Return what this process has started itself, zombies too. Quickly, on Linux: each test asks for it."""
    try:
        pids = _listed()
    except OSError:
        return psutil.Process().children()
    found = []
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            found.append(psutil.Process(pid))
    return found


def _listed() -> list[int]:
    """Return the pids of our children as Linux lists them, by thread. OSError: it does not, or a thread has ended."""
    threads = Path("/proc/self/task").iterdir()
    return [int(pid) for thread in threads for pid in (thread / "children").read_text().split()]


def descendants(pid: int | None = None) -> list[tuple[psutil.Process, str]]:
    """Return what runs of what the process `pid` (None: this one) has started, and what that has; with titles."""
    try:
        return list(with_titles(psutil.Process(pid).children(recursive=True)))
    except psutil.NoSuchProcess:
        return []


def kill_each(processes: Iterable[psutil.Process]) -> None:
    """Kill those that run."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def of_run(run: str) -> list[tuple[psutil.Process, str]]:
    """Return all that were started, by whatever way, from the test run `run`, but this one; with titles."""
    return list(with_titles(each for each in psutil.process_iter() if each.pid != os.getpid() and _is_of(each, run)))


def _is_of(process: psutil.Process, run: str) -> bool:
    try:
        return process.environ().get("ENGINEROOM_TEST_RUN") == run
    except (psutil.Error, OSError):
        return False
