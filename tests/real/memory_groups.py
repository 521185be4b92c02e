"""Control groups that limit memory, of the first kind or the second, whichever this machine has."""

from __future__ import annotations

import os
from pathlib import Path

from tests.conftest import wait_until

_FIRST, _SECOND = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")


class MemoryGroup:
    """A control group whose processes may have `limit` bytes of memory, all together."""

    def __init__(self, name: str, limit: int) -> None:
        first = (_FIRST / "memory.limit_in_bytes").exists()
        self._place = (_FIRST if first else _SECOND) / f"engineroom-{os.getpid()}-{name}"
        self._limit, self._used = (
            ("memory.limit_in_bytes", "memory.usage_in_bytes") if first else ("memory.max", "memory.current")
        )
        if not first:
            (_SECOND / "cgroup.subtree_control").write_text("+memory")
        self._place.mkdir()
        self.allow(limit)

    def allow(self, limit: int) -> None:
        (self._place / self._limit).write_text(str(limit))

    @property
    def used(self) -> int:
        return int((self._place / self._used).read_text())

    @property
    def command(self) -> tuple[str, ...]:
        """What stands before a command that is to run in it."""
        return ("sh", "-c", f'echo $$ > {self._place}/cgroup.procs && exec "$0" "$@"')

    def take(self, pid: int) -> None:
        """Have a process in it from now on; what it has already counts where it was."""
        (self._place / "cgroup.procs").write_text(str(pid))

    def kills(self) -> int:
        """Return how many of its processes were killed for want of memory."""
        for name in ("memory.events", "memory.oom_control"):
            if (self._place / name).exists():
                words = (self._place / name).read_text().split()
                return int(words[words.index("oom_kill") + 1])
        return 0

    def remove(self) -> None:
        """Take it away, once its processes have ended."""
        assert wait_until(lambda: not (self._place / "cgroup.procs").read_text())
        self._place.rmdir()
