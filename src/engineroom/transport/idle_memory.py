"""Memory that this process shares, and what it maps of others': given back once it is idle, or nobody uses it here."""

from __future__ import annotations

import asyncio
import time

from engineroom.machine import open_files
from engineroom.machine.shared_memory.kept import MOST_KEPT
from engineroom.machine.shared_memory.mapped import MAPPINGS
from engineroom.machine.shared_memory.pool import IDLE_SECONDS, SHARED


class IdleMemory:
    """One connection's use of it. While there is any, what was used lately stays, to be used again."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._sweeping: asyncio.TimerHandle | None = None
        SHARED.users += 1
        MAPPINGS.kept.most = open_files.share(8, MOST_KEPT)

    def sweep_later(self) -> None:
        """Look, in a while, what is idle: something is in use now."""
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(IDLE_SECONDS, self._sweep)

    def _sweep(self) -> None:
        self._sweeping = None
        left = MAPPINGS.kept.sweep(time.monotonic() - IDLE_SECONDS)
        if SHARED.sweep() or left:
            self.sweep_later()

    def close(self) -> None:
        """The connection is gone; after the last one, all goes that is idle."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        SHARED.users -= 1
        SHARED.sweep(IDLE_SECONDS if SHARED.users else 0.0)
        if not SHARED.users:
            SHARED.disallow()
            MAPPINGS.kept.most = 0
            MAPPINGS.kept.clear()
