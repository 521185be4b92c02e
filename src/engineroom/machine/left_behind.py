"""What tasks leave running when their engine has ended: known by marks that children inherit, and ended.

A process that was started has the mark in its environment, one that was only forked has it in its memory: neither a
session of its own, nor a parent that has ended, nor closed descriptors take it away.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import re
import select
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

MARK = "ENGINEROOM_ENGINE"
"""The environment variable that says which engine's a process is: HOST.INSTANCE, in hex."""

STAYS = "ENGINEROOM_STAYS"
"""The environment variable of a process, in a session of its own, that is to outlive the engine and the cluster."""

GRACE = 1.0
"""Seconds between SIGTERM and SIGKILL."""

_PR_SET_CHILD_SUBREAPER = 36
_ROUNDS = 5
"""How often we look again for what those that we have ended had started meanwhile."""

_LISTS_CHILDREN = os.path.exists(f"/proc/self/task/{os.getpid()}/children")
"""Whether the kernel lists the children of a process; otherwise we look at all."""

_NAME = "engineroom-of-"
_MAPPED = re.compile(rf"/memfd:{_NAME}([0-9a-f]*\.[0-9a-f]+)".encode())


def mark_of(host: bytes, instance: bytes = b"") -> str:
    """Return the mark of an engine; without `instance`, how the marks of all engines of a host begin."""
    return f"{host.hex()}.{instance.hex()}"


def mark_children(mark: str) -> mmap.mmap | None:
    """Have all that this process starts or forks from now on carry `mark`, for as long as what is returned is kept."""
    os.environ[MARK] = mark
    os.environ.pop(STAYS, None)
    try:
        file = os.memfd_create(f"{_NAME}{mark}")
    except (AttributeError, OSError):
        return None  # not on Linux
    try:
        os.ftruncate(file, mmap.PAGESIZE)
        return mmap.mmap(file, mmap.PAGESIZE, prot=mmap.PROT_READ)
    finally:
        os.close(file)


def staying(environment: Mapping[str, str]) -> dict[str, str]:
    """Return `environment` for a process that is no task's, whoever starts it."""
    return {name: value for name, value in environment.items() if name != MARK} | {STAYS: "1"}


def adopt_orphans() -> None:
    """Become the parent of descendants whose parents end, on Linux."""
    if sys.platform == "linux":
        import ctypes  # the only way to prctl

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def mark_on(pid: int) -> str:
    """Return the mark of a process, "" if it has none, or is to stay, or is not ours to look at."""
    return _mark_and_stay(pid)[0]


def is_to_stay(pid: int) -> bool:
    """Whether a process was started so that it outlives the cluster."""
    return _mark_and_stay(pid)[1]


def _mark_and_stay(pid: int) -> tuple[str, bool]:
    try:
        # What was only forked shows the environment of an ancestor; so this counts more.
        if found := _MAPPED.search(Path(f"/proc/{pid}/maps").read_bytes()):
            return found[1].decode(), False
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return "", False
    if f"{STAYS}=1".encode() in variables:
        return "", True
    start = f"{MARK}=".encode()
    return next((each[len(start) :].decode() for each in variables if each.startswith(start)), ""), False


def children_of(pid: int, *, listed: bool = _LISTS_CHILDREN) -> Iterator[int]:
    """Yield the children of a process, also those that have ended and wait for it. `listed`: the kernel lists them."""
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError):
                yield from map(int, Path(f"/proc/{pid}/task/{thread}/children").read_bytes().split())
        if not listed:
            yield from (each for each in _processes() if _stat(each)[1:2] == [str(pid).encode()])


def session_of(pid: int) -> int:
    """Return the session of a live process, 0 if it has ended."""
    fields = _stat(pid)
    return int(fields[3]) if fields and fields[0] not in {b"Z", b"X"} else 0


def end_marked(start: str) -> None:
    """End all processes of this user on this machine whose marks begin with `start`, which names a host or an engine.

    It returns when they have ended, or can't be ended.
    """
    if not start.strip("."):
        return
    for _ in range(_ROUNDS):
        found = [descriptor for pid in _processes() if (descriptor := _held(pid, start)) is not None]
        if not found:
            return
        try:
            _signal(found, signal.SIGTERM)
            if alive := _alive(found, GRACE):
                _signal(alive, signal.SIGKILL)
                _alive(alive, GRACE)
        finally:
            for descriptor in found:
                os.close(descriptor)


def _stat(pid: int) -> list[bytes]:
    """Return what the kernel says of a process, from its state on: parent, group, session ..."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return []


def _processes() -> Iterator[int]:
    user = os.getuid() if hasattr(os, "getuid") else -1
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else ():
        with contextlib.suppress(OSError):
            if name.isdecimal() and int(name) != os.getpid() and os.stat(f"/proc/{name}").st_uid == user:
                yield int(name)


def _held(pid: int, start: str) -> int | None:
    """Return a descriptor of a process with a mark that begins with `start`, None if it is another one."""
    if not mark_on(pid).startswith(start):
        return None
    try:
        descriptor = os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None
    if mark_on(pid).startswith(start):  # of this very process: its number has not become another's meanwhile
        return descriptor
    os.close(descriptor)
    return None


def _signal(processes: Iterable[int], signum: int) -> None:
    for descriptor in processes:
        with contextlib.suppress(OSError):
            signal.pidfd_send_signal(descriptor, signum)


def _alive(processes: list[int], seconds: float) -> list[int]:
    """Return those that have not ended within `seconds`."""
    poll = select.poll()
    for descriptor in processes:
        poll.register(descriptor, select.POLLIN)
    left, deadline = list(processes), time.monotonic() + seconds
    while left and (rest := deadline - time.monotonic()) > 0:
        for descriptor, _ in poll.poll(rest * 1000):
            poll.unregister(descriptor)
            left.remove(descriptor)
    return left
