"""Whether there is memory for something long. Before it is refused, what is only kept to be used again goes back."""

from __future__ import annotations

import time

from engineroom.machine.large_blocks import BLOCKS
from engineroom.machine.memory import trim
from engineroom.machine.shared_memory.pool import SHARED, SharedPool
from engineroom.machine.shared_memory.room import suffices

LONG = 16 << 20
"""What has fewer bytes is not asked about: that takes too long."""

NO_MEMORY = "no memory for {:,} bytes"


def has_memory(size: int, pool: SharedPool = SHARED) -> bool:
    """Return whether this process may count on `size` more bytes. In any thread."""
    if size < LONG or suffices(size):
        return True
    pool.sweep(0.0)
    BLOCKS.sweep(time.monotonic())
    trim()
    return suffices(size)
