"""Memory for the pieces of payloads that are passed on, used again and again.

New memory costs more than what is written into it: the kernel clears each page when it is first touched.
"""

from __future__ import annotations

import sys
from collections import deque

_WORTH_KEEPING = 64 * 1024
_KEPT_BYTES = 32 * 1024 * 1024

_UNUSED = 2
"""References to a buffer that nobody uses, while it is being looked at."""


class PiecePool:
    """Hands out buffers; one that nobody refers to any more is handed out again. Chunks have few sizes."""

    def __init__(self) -> None:
        self._buffers: dict[int, deque[bytearray]] = {}
        self._kept_bytes = 0

    def take(self, size: int) -> memoryview:
        """Return `size` writable bytes, with whatever is in them."""
        if size < _WORTH_KEEPING:
            return memoryview(bytearray(size))
        return memoryview(self._oldest_unused(size) or self._new(size))

    def clear(self) -> None:
        """Keep nothing; what is in use goes when it is used no more."""
        self._buffers.clear()
        self._kept_bytes = 0

    def _oldest_unused(self, size: int) -> bytearray | None:
        buffers = self._buffers.get(size)
        if not buffers:
            return None
        buffer = buffers.popleft()
        unused = sys.getrefcount(buffer) == _UNUSED
        buffers.append(buffer)
        return buffer if unused else None

    def _new(self, size: int) -> bytearray:
        buffer = bytearray(size)
        if self._kept_bytes + size > _KEPT_BYTES:
            self._drop_another(size)
        if self._kept_bytes + size <= _KEPT_BYTES:
            self._buffers.setdefault(size, deque()).append(buffer)
            self._kept_bytes += size
        return buffer

    def _drop_another(self, size: int) -> None:
        """Keep no more buffers of the size, other than `size`, that has been known for longest."""
        for other in self._buffers:
            if other != size:
                self._kept_bytes -= other * len(self._buffers.pop(other))
                return


POOL = PiecePool()
"""The pieces of this process."""
