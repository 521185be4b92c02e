"""Which process: a pid alone says little, for pids are used again and differ between machines and containers."""

from __future__ import annotations

import functools
import os
import socket
import sys
from pathlib import Path

import msgspec

_PR_SET_PDEATHSIG = 1


@functools.cache
def host_name() -> str:
    return socket.gethostname()


@functools.cache
def boot_id() -> str:
    """Return what tells this start of this machine from all others, "" where that is not to be had."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


@functools.cache
def pid_namespace() -> str:
    return _namespace("pid")


@functools.cache
def network_namespace() -> str:
    """Return what tells this network, with its own loopback, from others of this machine; "" where it can't be told."""
    return _namespace("net")


def _namespace(kind: str) -> str:
    try:
        return str(Path(f"/proc/self/ns/{kind}").readlink())
    except OSError:
        return ""


def die_with_parent(signum: int, parent: int) -> bool:
    """Have the kernel send us `signum` when our parent dies; False if `parent` is dead already.

    The parent is the thread that started us, so only a process whose main thread forks should be relied on.
    """
    if sys.platform == "linux":
        import ctypes  # the only way to prctl

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signum, 0, 0, 0)
    return os.getppid() == parent


def start_time(pid: int) -> str | None:
    """Return when the process started, in a form only good for comparing; None: there is no such process.

    A process that has ended and waits for its parent (a zombie) counts as gone.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None if sys.platform == "linux" else _start_time_elsewhere(pid)
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]


def _start_time_elsewhere(pid: int) -> str | None:
    import psutil  # here, because it is slow to import and never needed on Linux

    try:
        return repr(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


class ProcessRecord(msgspec.Struct, frozen=True):
    """One process on one machine, certain enough to signal it: all five must match."""

    pid: int
    start_time: str
    boot_id: str
    host: str
    pid_namespace: str

    @classmethod
    def of(cls, pid: int) -> ProcessRecord | None:
        """Return the record of a live process on this machine, None if there is none."""
        started = start_time(pid)
        if started is None:
            return None
        return cls(pid, started, boot_id(), host_name(), pid_namespace())

    @classmethod
    def of_this_process(cls) -> ProcessRecord:
        return cls(os.getpid(), start_time(os.getpid()) or "", boot_id(), host_name(), pid_namespace())

    @property
    def here(self) -> bool:
        """Whether the record was made on this machine, in this container."""
        return self.host == host_name() and self.pid_namespace == pid_namespace()

    @property
    def alive(self) -> bool:
        """Whether this very process runs, here."""
        return self.here and self.boot_id == boot_id() and start_time(self.pid) == self.start_time

    @property
    def ended(self) -> bool:
        """Whether this very process ran here and certainly does no more."""
        return self.here and not self.alive
