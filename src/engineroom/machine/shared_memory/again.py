"""A segment that is mapped again and again, each time as it was sent: another process's, or one of this process."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial

from engineroom.machine.shared_memory.mapped import MAPPINGS
from engineroom.machine.shared_memory.memfd import OwnSegment
from engineroom.machine.shared_memory.pool import SHARED


class MappedAgain:
    """Returns, at each call, another private and writable view of what lies in a segment.

    `first`: a view of it that nobody writes to; the segment stays in use as long as that or any other is looked at.
    `descriptor`: the segment, open; it is closed with this. `offset`: where `first` begins in it. OSError at a call:
    there is no address space, or there are no descriptors.
    """

    def __init__(self, first: memoryview, descriptor: int, offset: int) -> None:
        self._first, self._descriptor, self._offset = first, descriptor, offset
        found = os.fstat(descriptor)
        self._place = found.st_dev, found.st_ino

    def __call__(self) -> memoryview:
        start, end = self._offset, self._offset + len(self._first)
        gone = partial(_had, self._first)
        view = MAPPINGS.again(*self._place, end, gone)
        if view is None:
            view = MAPPINGS.new(self._descriptor, gone)
        return view[start:end]

    def __del__(self) -> None:
        os.close(self._descriptor)


def mapper_of(first: memoryview, reopen: Callable[[], int], offset: int) -> MappedAgain | None:
    """Return what maps again what `first` is a view of; None: there are no descriptors, or it is gone meanwhile."""
    try:
        return MappedAgain(first, reopen(), offset)
    except OSError:
        return None


def _had(first: memoryview, spoiled: bool) -> None:  # noqa: FBT001 (it is all that is told)
    """Do nothing: what matters is that `first` was there until now. Whoever spoils a view of it spoils `first`, too."""


def own_again(views: Sequence[memoryview]) -> memoryview | None:
    """Return a private and writable view of what is in a segment of this process; None: it is in none, or can't be had.

    Nothing is written to the segment as long as this, or `views`, is looked at.
    """
    segment = SHARED.segment_of(views)
    if segment is None or segment.descriptor < 0:
        return None
    size, gone = segment.used, partial(_had_own, views, segment)
    try:
        view = MAPPINGS.again(segment.device, segment.inode, size, gone)
        return (MAPPINGS.new(segment.descriptor, gone) if view is None else view)[:size]
    except (OSError, MemoryError):
        return None


def _had_own(views: Sequence[memoryview], segment: OwnSegment, spoiled: bool) -> None:  # noqa: FBT001 (as above)
    """What this process has forked has the segment, too, if it is `spoiled`; that `views` were there has kept it."""
    del views
    segment.spoiled = segment.spoiled or spoiled
