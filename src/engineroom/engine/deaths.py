"""How a process ended, as text."""

from __future__ import annotations

import signal
from collections.abc import Iterable
from pathlib import Path

from engineroom.machine.exits import cause_of

_MEMORY = "out of memory"

_OWN_SIGNALS = (
    *("SIGSEGV", "SIGBUS", "SIGABRT", "SIGILL", "SIGFPE", "SIGTRAP", "SIGSYS"),  # crashes
    *("SIGXCPU", "SIGXFSZ", "SIGALRM", "SIGVTALRM", "SIGPROF"),  # limits and timers that a process sets itself
)
_OWN = frozenset(getattr(signal, name) for name in _OWN_SIGNALS if hasattr(signal, name))


class OutOfMemory:
    """Whether the kernel has killed a process for lack of memory since the last check.

    `counters`: the files that count the kills in a control group; by default those of ours.
    """

    def __init__(self, counters: Iterable[Path] | None = None) -> None:
        self._ours = list(_counters_of_our_group() if counters is None else counters)
        self._everywhere = Path("/proc/vmstat")
        self._seen = self._counts()

    def evidence(self) -> str:
        """Return words to put beside a SIGKILL; "" if nothing points to memory."""
        before, self._seen = self._seen, self._counts()
        if sum(self._seen[:-1]) > sum(before[:-1]):
            return _MEMORY
        return f"{_MEMORY}?" if self._seen[-1] > before[-1] else ""

    def _counts(self) -> list[int]:
        return [_count(path) for path in (*self._ours, self._everywhere)]


def _counters_of_our_group() -> Iterable[Path]:
    """Yield the files that count the kills in our control group, version 2 or 1."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield Path(f"/sys/fs/cgroup{path}/memory.events")
        elif "memory" in controllers.split(","):
            yield Path(f"/sys/fs/cgroup/memory{path}/memory.oom_control")


def _count(path: Path) -> int:
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))


ENDED_BY_ITS_CODE = "exit code 0; code that it ran has ended the process, as os._exit(0) does"
"""The cause of an end that looks like that of an engine which was shut down, and is none."""


def own_doing(exit_code: int, cause: str) -> bool:
    """Return whether a process ended by what it did: it exited, crashed, or used too much memory (`cause` says so).

    A kill from outside says nothing of the task that ran.
    """
    return exit_code >= 0 or -exit_code in _OWN or (-exit_code == signal.SIGKILL and _MEMORY in cause)


def cause_with_evidence(exit_code: int, memory: OutOfMemory) -> str:
    """Return the cause of an exit: `exit_code` as `os.waitstatus_to_exitcode` gives it."""
    return cause_of(exit_code, memory.evidence() if -exit_code == signal.SIGKILL else "")
