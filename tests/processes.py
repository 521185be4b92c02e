"""Which processes run. Any of them may end while it is looked at: one that has, or is a zombie, is left out."""

from __future__ import annotations

import contextlib
import os
import sys
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
    return list(_known(pids))


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
    pids = [pid for pid in psutil.pids() if pid != os.getpid() and _is_of(pid, run)]
    return list(with_titles(_known(pids)))


def _known(pids: Iterable[int]) -> Iterator[psutil.Process]:
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            yield psutil.Process(pid)


def _is_of(pid: int, run: str) -> bool:
    try:
        return f"\0ENGINEROOM_TEST_RUN={run}\0".encode() in b"\0" + _environment(pid)
    except (psutil.Error, OSError):
        return False


def _environment(pid: int) -> bytes:
    """Return what process `pid` was started with. Quickly, on Linux: each test asks for that of all processes."""
    if sys.platform == "linux":
        with open(f"/proc/{pid}/environ", "rb", buffering=0) as file:
            return file.read()
    return "".join(f"{name}={value}\0" for name, value in psutil.Process(pid).environ().items()).encode()
