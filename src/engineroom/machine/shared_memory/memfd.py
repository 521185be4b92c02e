"""Anonymous memory: made here, sealed so that nobody can shrink or write it but its owner, and opened by others.

Nothing of it has a name, so nothing is left when its processes are killed.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import stat
import sys
from collections.abc import Callable, Sequence

from engineroom.machine.shared_memory.segments import Segment

HUGE = 2 << 20
_SMALL_STEP = 64 << 10
_STEP = 1 << 20
"""Memory is made and written in steps of this size: other threads run in between, and what is cleared is cached."""

_LONG = 4 << 20
"""Longer than this, a copy lets other threads run in the middle of a step, too..."""

_LONGEST_STEP = 256 << 20
"""... and what is there already is written in steps of this size, see `copying.copy`: only a signal has to wait."""

_SEAL_FUTURE_WRITE = 0x10
_MADV_HUGEPAGE = 14
_MADV_POPULATE_WRITE = 23


class NotSharedError(OSError):
    """What another process offers is not what it said, or may change its size under us."""


def available() -> bool:
    """Whether this system has memory of this kind."""
    return sys.platform == "linux" and hasattr(os, "memfd_create")


class OwnMapping(mmap.mmap):
    """The owner's mapping of a segment, writable."""

    segment: OwnSegment | None = None
    """None once it has been let go."""


class OwnSegment(Segment):
    """A segment that this process has made.

    `used`: bytes of what is in it now; `populated`: for which there is memory.
    """

    def __init__(self, capacity: int) -> None:
        """OSError: there is no memory, or there are no descriptors for it."""
        import fcntl  # not on every platform

        super().__init__(capacity)
        self.used = self.populated = 0
        self.descriptor = os.memfd_create("engineroom-payload", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(self.descriptor, capacity)
            self.mapping = OwnMapping(self.descriptor, capacity, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
            seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW
            try:
                fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, seals | _SEAL_FUTURE_WRITE)
            except OSError:  # before Linux 5.1
                fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, seals)
            found = os.fstat(self.descriptor)
        except BaseException:
            os.close(self.descriptor)
            raise
        self.device, self.inode = found.st_dev, found.st_ino
        self.mapping.segment = self
        if capacity >= HUGE:
            _advise(self.mapping, _MADV_HUGEPAGE, 0, capacity)

    def reserve(self, end: int) -> None:
        """Have memory for the first `end` bytes. OSError: there is none."""
        if end > self.populated:
            self._populate(end)

    def write(self, views: Sequence[memoryview]) -> None:
        """Put `views` into it, one after the other. OSError: there is no memory for them."""
        target, at = memoryview(self.mapping), 0
        for view in views:
            is_long = len(view) >= _LONG
            copy = _copier() if is_long else _assign
            start = 0
            while start < len(view):
                there = min(self.populated - at, _LONGEST_STEP) if is_long else 0
                piece = view[start : start + max(_STEP, there)]
                end = at + len(piece)
                self.reserve(end)
                copy(target, slice(at, end), piece)
                start, at = start + len(piece), end
        self.used = at

    def _populate(self, end: int) -> None:
        """Have memory up to `end`: to touch what can't be had would kill this process."""
        step = HUGE if self.capacity >= HUGE else mmap.PAGESIZE
        end = min(self.capacity, -(-end // step) * step)
        if not _advise(self.mapping, _MADV_POPULATE_WRITE, self.populated, end - self.populated):
            os.posix_fallocate(self.descriptor, self.populated, end - self.populated)
        self.populated = end

    def close(self) -> None:
        """Let it go; it lives on as long as somebody maps it."""
        os.close(self.descriptor)
        self.descriptor = -1
        self.mapping.segment = None
        with contextlib.suppress(BufferError):  # somebody looks at it; it goes with the last view
            self.mapping.close()


def _assign(target: memoryview, part: slice, source: memoryview) -> None:
    target[part] = source


def _copier() -> Callable[[memoryview, slice, memoryview], None]:
    """Return what copies while other threads run."""
    from engineroom.machine.shared_memory.copying import copy  # with ctypes, which takes 8 ms

    return lambda target, part, source: copy(target[part], source)


def capacity_for(size: int) -> int:
    """Return how large a segment is made for `size` bytes: others of about that size shall fit as well."""
    step = HUGE if size >= HUGE else _SMALL_STEP
    return -(-size // step) * step


def open_theirs(pid: int, descriptor: int, *, device: int, inode: int, end: int) -> int:
    """Return a descriptor, for reading, of the segment that process `pid` has as `descriptor`.

    OSError: it can't be opened, is another one, has less than `end` bytes, or could be made shorter.
    """
    import fcntl  # not on every platform

    path = f"/proc/{pid}/fd/{descriptor}"
    _check(os.stat(path), device, inode, end)  # first: to open something else might block, or do something
    opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        _check(os.fstat(opened), device, inode, end)
        needed = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW
        if fcntl.fcntl(opened, fcntl.F_GET_SEALS) & needed != needed:
            raise NotSharedError(errno.EPERM, "its size is not fixed")
    except BaseException:
        os.close(opened)
        raise
    return opened


def map_privately(descriptor: int, offset: int, size: int) -> mmap.mmap:
    """Return a mapping whose writes are this process's alone. OSError: there is no address space for it."""
    try:
        return mmap.mmap(descriptor, size, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE, offset=offset)
    except ValueError as error:  # no place where a mapping can begin
        raise NotSharedError(errno.EINVAL, str(error)) from None


def map_to_read(descriptor: int, offset: int, size: int) -> mmap.mmap:
    """Return a mapping that can't be written."""
    return mmap.mmap(descriptor, size, mmap.MAP_PRIVATE, mmap.PROT_READ, offset=offset)


def _check(found: os.stat_result, device: int, inode: int, end: int) -> None:
    if not stat.S_ISREG(found.st_mode) or (found.st_dev, found.st_ino) != (device, inode):
        raise NotSharedError(errno.ESTALE, "it is another file by now")
    if found.st_size < end:
        raise NotSharedError(errno.EINVAL, "it is shorter than was said")


def _advise(mapping: mmap.mmap, advice: int, start: int, length: int) -> bool:
    """Give the kernel `advice`; False: it does not know it. OSError: it can't be followed."""
    try:
        mapping.madvise(advice, start, length)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return False
    return True
