"""Memory that this process shares, and what it maps of others': given back once it is idle, or nobody uses it here."""

from __future__ import annotations

import asyncio
import time

from engineroom.machine import open_files
from engineroom.machine.large_blocks import BLOCKS
from engineroom.machine.shared_memory.kept import MOST_KEPT
from engineroom.machine.shared_memory.mapped import MAPPINGS
from engineroom.machine.shared_memory.pool import IDLE_SECONDS, SHARED
from engineroom.machine.shared_memory.side_by_side import JOINED


class IdleMemory:
    """One connection's use of it. While there is any, what was used lately stays, to be used again."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._sweeping: asyncio.TimerHandle | None = None
        SHARED.users += 1
        MAPPINGS.kept.most = open_files.share(8, MOST_KEPT)
        BLOCKS.most = JOINED.most = SHARED.limit // 4

    def sweep_later(self) -> None:
        """Look, in a while, what is idle: something is in use now."""
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(IDLE_SECONDS, self._sweep)

    @property
    def some(self) -> bool:
        """Whether anything is kept that others have let go of."""
        return len(MAPPINGS.kept) > 0 or len(BLOCKS) > 0

    def _sweep(self) -> None:
        self._sweeping = None
        before = time.monotonic() - IDLE_SECONDS
        left = [MAPPINGS.kept.sweep(before), BLOCKS.sweep(before), SHARED.sweep()]
        if any(left):
            self.sweep_later()

    def close(self) -> None:
        """The connection is gone; after the last one, all goes that is idle."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        SHARED.users -= 1
        SHARED.sweep(IDLE_SECONDS if SHARED.users else 0.0)
        if not SHARED.users:
            SHARED.disallow()
            MAPPINGS.kept.most = JOINED.most = 0
            MAPPINGS.kept.clear()
            BLOCKS.close()
