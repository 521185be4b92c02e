"""The segments of this process: what is packed is written into one of them, and used ones are written again.

Fresh memory costs more than what is written into it: the kernel clears each page first.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence

from engineroom.machine import open_files
from engineroom.machine.shared_memory.memfd import OwnMapping, OwnSegment, capacity_for
from engineroom.machine.shared_memory.room import room
from engineroom.machine.shared_memory.segments import Segment, SegmentTable

LEAST = 128 << 10
"""Shorter payloads travel as streams: to map them saves nothing (ADR 46 has the figures)."""

IDLE_SECONDS = 10.0
"""A segment that nobody has used for so long is given back."""

_MOST = 512
_UNASKED = 8 << 20
"""So many bytes of new segments may be made after it was looked up how much memory is left, if that is more."""

_UNVIEWED = 2
"""References to a mapping that nobody looks at, while they are counted."""


class SharedPool:
    """What this process has written, or may write, for others to map. For any thread.

    `trouble`: why something that is long enough was not written here, "" while nothing was. `users`: connections.
    `dropping`: told, in any thread, the inode of each segment that goes while others may still keep a mapping of it.
    """

    def __init__(self) -> None:
        self.least = sys.maxsize
        self.trouble = ""
        self.users = 0
        self.dropping: set[Callable[[int], object]] = set()
        self._table = SegmentTable(0, _MOST)
        self._unasked = 0
        self._lock = threading.RLock()

    def allow(self, limit: int) -> None:
        """Use up to `limit` bytes from now on."""
        if self.bound(limit):
            self.least = LEAST

    def disallow(self) -> None:
        """Nobody maps what is packed here any more: use nothing from now on."""
        self._table.limit, self.least = 0, sys.maxsize

    def bound(self, limit: int) -> bool:
        """Use up to `limit` bytes, but not for what is packed here; False: it is more already."""
        if limit <= self._table.limit:
            return False
        self._table.limit = limit
        self._table.most = open_files.share(8, _MOST)
        return True

    @property
    def size(self) -> int:
        """Return how many bytes all segments have."""
        return self._table.size

    @property
    def lent(self) -> int:
        """Return how many segments others have."""
        return self._table.lent

    @property
    def scarce(self) -> bool:
        """Return whether others have so much that little may be left to write."""
        return self._table.scarce

    @property
    def limit(self) -> int:
        return self._table.limit

    def snapshot(self, views: Sequence[memoryview]) -> memoryview | None:
        """Return a copy of `views`, one after the other, in shared memory; None: there is no room for it."""
        size = sum(map(len, views))
        blank = self.blank(size)
        if blank is None:
            return None
        segment, view = blank
        try:
            segment.write(views)
        except (OSError, MemoryError) as error:
            self.trouble = f"no shared memory for {size:,} bytes: {error}"
            return None
        self.trouble = ""
        return view

    def blank(self, size: int) -> tuple[OwnSegment, memoryview] | None:
        """Return a segment to be written, which is the caller's as long as he has the view; None: there is no room."""
        try:
            with self._lock:
                segment = self._table.find(size, _viewed) or self._new(size)
                if segment is None:
                    return None
                assert isinstance(segment, OwnSegment)
                return segment, memoryview(segment.mapping)[:size]
        except (OSError, MemoryError) as error:
            self.trouble = f"no shared memory for {size:,} bytes: {error}"
            return None

    def segment_of(self, views: Sequence[memoryview | bytes | bytearray]) -> OwnSegment | None:
        """Return the segment whose whole content these are; None: they are in no segment of this process."""
        mapping = views[0].obj if type(views[0]) is memoryview else None
        if type(mapping) is not OwnMapping:
            return None
        segment = mapping.segment
        return segment if segment is not None and segment.used == sum(map(len, views)) else None

    def lend(self, segment: OwnSegment) -> None:
        with self._lock:
            self._table.lend(segment)

    def give_back(self, segment: OwnSegment, *, spoiled: bool) -> None:
        with self._lock:
            self._table.give_back(segment, time.monotonic(), spoiled=spoiled)

    def sweep(self, idle: float = IDLE_SECONDS) -> bool:
        """Give back what was not used for so many seconds; return whether anything is left."""
        with self._lock:
            self._drop(self._table.sweep(time.monotonic() - idle, _viewed))
            return len(self._table) > 0

    def forget(self) -> None:
        """In a forked child: what is the parent's is not ours to write."""
        self._lock = threading.RLock()
        _close(self._table.clear())
        self.disallow()
        self.dropping.clear()

    def _new(self, size: int) -> OwnSegment | None:
        capacity = capacity_for(size)
        going = self._table.make_room(capacity, _viewed)
        if going is None:
            table = self._table
            self.trouble = (
                f"shared memory is limited to {table.limit:,} bytes (IPController.max_shared_bytes) in {table.most} "
                f"segments in this process, and {table.size:,} bytes in {len(table)} segments are in use"
            )
            return None
        self._drop(going)
        if not self._has_memory(capacity):
            self.trouble = f"this machine, or this control group, has no memory for another {capacity:,} bytes"
            return None
        segment = OwnSegment(capacity)
        segment.idle_since = time.monotonic()
        self._table.add(segment)
        return segment

    def _drop(self, segments: Sequence[Segment]) -> None:
        _close(segments)
        for segment in segments:
            assert isinstance(segment, OwnSegment)
            if segment.known:
                for tell in tuple(self.dropping):
                    tell(segment.inode)

    def _has_memory(self, capacity: int) -> bool:
        """Return whether there is as much. It is looked up now and then: that takes longer than to make a segment."""
        if capacity > self._unasked:
            left = room()
            if capacity > left:
                self.sweep(0.0)
                left = room()
            if capacity > left:
                return False
            self._unasked = min(left, capacity + _UNASKED)
        self._unasked -= capacity
        return True


def _viewed(segment: Segment) -> bool:
    assert isinstance(segment, OwnSegment)
    return sys.getrefcount(segment.mapping) > _UNVIEWED


def _close(segments: Sequence[Segment]) -> None:
    for segment in segments:
        assert isinstance(segment, OwnSegment)
        segment.close()


SHARED = SharedPool()
"""The segments of this process."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=SHARED.forget)
