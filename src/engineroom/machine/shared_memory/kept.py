"""Mappings that nothing looks at, kept to be used again where nothing was written to them."""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Callable, Collection
from typing import Any

from engineroom.machine.shared_memory.memfd import map_privately

MOST_KEPT = 256
"""So many are kept at most: each has a descriptor."""

_SCAN = struct.Struct("12Q")
_PAGEMAP_SCAN = 0xC0606610
_FILE, _PRESENT, _SWAPPED = 4, 8, 16


Key = tuple[int, ...]
"""What tells mappings apart: of a whole segment, its device and inode."""


class Mapped:
    """A private mapping of what others have: `size` bytes, in the segments `inodes`."""

    def __init__(self, key: Key, inodes: frozenset[int], mapping: mmap.mmap, size: int) -> None:
        self.key, self.inodes, self.size = key, inodes, size
        self._mapping = mapping
        self.start = 0
        """Where it begins, once somebody looks at it."""

    def whole(self) -> Any:
        """Return all of it, as a buffer that can be referred to weakly; it has one at a time."""
        import ctypes  # takes 8 ms, and only large data need it

        array = (ctypes.c_char * self.size).from_buffer(self._mapping)
        self.start = ctypes.addressof(array)
        return array

    def is_clean(self) -> bool:
        """Return whether no page of it was written; False also if the system does not tell (before Linux 6.7)."""
        import ctypes
        import fcntl  # not on every platform

        found = (ctypes.c_uint64 * 3)()
        end = self.start + -(-self.size // mmap.PAGESIZE) * mmap.PAGESIZE
        # Pages, here or swapped out, that are not the file's: the first of them is enough.
        pages = (0, ctypes.addressof(found), 1, 1, _FILE, _FILE, _PRESENT | _SWAPPED, _FILE)
        asked = _SCAN.pack(_SCAN.size, 0, self.start, end, *pages)
        try:
            descriptor = os.open("/proc/self/pagemap", os.O_RDONLY)
            try:
                fcntl.ioctl(descriptor, _PAGEMAP_SCAN, asked)
            finally:
                os.close(descriptor)
        except OSError:
            return False
        return found[0] == found[1]


def map_all(descriptor: int) -> Mapped:
    """Return a private mapping of all of a segment. OSError: there is no address space for it."""
    found = os.fstat(descriptor)
    key, size = (found.st_dev, found.st_ino), found.st_size
    return Mapped(key, frozenset(key[1:]), map_privately(descriptor, 0, size), size)


class KeptMappings:
    """The mappings that nothing looks at, up to `most`, the one that was used last at the end."""

    def __init__(self) -> None:
        self.most = MOST_KEPT
        self._kept: dict[Key, tuple[Mapped, float]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, key: Key) -> bool:
        return key in self._kept

    def take(self, key: Key, end: int) -> Mapped | None:
        """Return the mapping `key`, if it is here and has `end` bytes."""
        mapped, _ = self._kept.pop(key, (None, 0.0))
        return mapped if mapped is not None and end <= mapped.size else None

    def take_one(self, wanted: Callable[[Mapped], bool]) -> Mapped | None:
        """Return one that is wanted, the one that was used last; None: there is none."""
        for key, (mapped, _) in reversed(list(self._kept.items())):
            if wanted(mapped) and self._kept.pop(key, None) is not None:  # or another thread has it
                return mapped
        return None

    def keep(self, mapped: Mapped, now: float) -> None:
        """Keep a mapping that nothing looks at any more, unless something was written to it."""
        if self.most and mapped.is_clean():
            self._kept[mapped.key] = mapped, now
            while len(self._kept) > self.most:
                self._kept.pop(next(iter(self._kept)), None)

    def thin(self, kind: type[Mapped], count: int, size: int) -> None:
        """Let go of those of a kind that were used longest ago: so many are left at most, of `size` bytes together."""
        for key, (mapped, _) in reversed(list(self._kept.items())):
            if type(mapped) is kind:
                count, size = count - 1, size - mapped.size
                if count < 0 or size < 0:
                    self._kept.pop(key, None)

    def sweep(self, before: float) -> bool:
        """Let go of those that were not used since `before`; return whether any are left."""
        for key, (_, since) in list(self._kept.items()):
            if since < before:
                self._kept.pop(key, None)
        return bool(self._kept)

    def drop(self, inodes: Collection[int]) -> None:
        """Let go of those of memory that its owner has given back, and will not write again."""
        for key, (mapped, _) in list(self._kept.items()):
            if not mapped.inodes.isdisjoint(inodes):
                self._kept.pop(key, None)

    def clear(self) -> None:
        self._kept.clear()
