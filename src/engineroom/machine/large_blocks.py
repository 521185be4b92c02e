"""Private memory for large results that are put together here, used again once nobody looks at it any more.

Fresh memory costs about as much as what is written into it: the kernel clears each page first.
"""

from __future__ import annotations

import contextlib
import mmap
import sys
import threading
import time

LEAST = 4 << 20
"""Less is not worth it."""

_STEP = 2 << 20
_MADV_HUGEPAGE = 14

_UNUSED = 2
"""References to a mapping that nobody looks at, while they are counted."""


def private(size: int) -> mmap.mmap:
    """Return fresh memory that is this process's alone; a child that it forks has a copy."""
    if sys.platform == "win32":
        return mmap.mmap(-1, size)
    return mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


class _Block:
    """`used`: when it was last seen in use."""

    __slots__ = ("mapping", "size", "used")

    def __init__(self, size: int) -> None:
        self.size = -(-size // _STEP) * _STEP
        self.mapping = private(self.size)
        self.used = 0.0
        if sys.platform == "linux":
            with contextlib.suppress(OSError):  # there are no huge pages
                self.mapping.madvise(_MADV_HUGEPAGE)

    @property
    def is_free(self) -> bool:
        return sys.getrefcount(self.mapping) == _UNUSED


class LargeBlocks:
    """Hands out blocks of memory, and again those that nobody refers to any more. For any thread.

    `most`: bytes in all blocks that may be handed out again; 0: none is handed out.
    """

    def __init__(self) -> None:
        self.most = 0
        self._blocks: list[_Block] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._blocks)

    def take(self, size: int) -> memoryview | None:
        """Return `size` writable bytes, with whatever is in them; None: it is too few or too many."""
        if not LEAST <= size <= self.most:
            return None
        with self._lock:
            block = self._free(size) or self._new(size)
            if block is None:
                return None
            block.used = time.monotonic()
            return memoryview(block.mapping)[:size]

    def sweep(self, before: float) -> bool:
        """Give back what was not in use since `before`; return whether any is left."""
        now = time.monotonic()
        with self._lock:
            for block in self._blocks:
                if not block.is_free:
                    block.used = now
            self._blocks = [block for block in self._blocks if block.used >= before]
            return bool(self._blocks)

    def close(self) -> None:
        """Hand out nothing more, and keep nothing; what is in use goes with its last user."""
        with self._lock:
            self.most = 0
            self._blocks = []

    def _free(self, size: int) -> _Block | None:
        for block in reversed(self._blocks):
            if size <= block.size <= 2 * size and block.is_free:
                return block
        return None

    def _new(self, size: int) -> _Block | None:
        """Return a new block. None: there is no address space.

        If there is no room, the free ones that are oldest go, and then the oldest that are in use: these belong to
        whoever keeps what is in them.
        """
        try:
            made = _Block(size)
        except (OSError, MemoryError):
            return None
        over = sum(block.size for block in self._blocks) + size + _STEP - self.most
        for block in sorted(self._blocks, key=lambda block: not block.is_free):
            if over <= 0:
                break
            self._blocks.remove(block)
            over -= block.size
        self._blocks.append(made)
        return made


BLOCKS = LargeBlocks()
"""Those of this process."""
