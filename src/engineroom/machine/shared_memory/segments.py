"""Which segments of this process may be written again, and which must go: a table that touches no memory.

A segment is free once nobody here looks at it and everybody to whom it was lent has let go of it. One that a process
maps which has forked, or of which nobody knows any more who maps it, is spoiled: it is never written again, because a
page of a private mapping that nobody has written shows what the owner writes next.
"""

from __future__ import annotations

from collections.abc import Callable

Viewed = Callable[["Segment"], bool]
"""Whether somebody in this process still looks at what is in a segment."""


class Segment:
    """Some memory that is this process's to write. `lent`: to how many others; `idle_since`: when it was used last.

    `known`: others have had it, and may keep mappings at which they do not look.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.lent = 0
        self.known = self.spoiled = False
        self.idle_since = 0.0


class SegmentTable:
    """All segments of a process: at most `limit` bytes, and at most `most` of them."""

    def __init__(self, limit: int, most: int) -> None:
        self.limit, self.most = limit, most
        self.size = self._lent_size = 0
        self._all: dict[Segment, None] = {}
        self._unlent: dict[Segment, None] = {}
        """Those that nobody else has, in the order in which they came back."""

    def __len__(self) -> int:
        return len(self._all)

    @property
    def lent(self) -> int:
        """Return how many others have."""
        return len(self._all) - len(self._unlent)

    @property
    def scarce(self) -> bool:
        """Return whether others have more than half of what may be."""
        return self._lent_size > self.limit // 2 or self.lent > self.most * 3 // 4

    def find(self, size: int, viewed: Viewed) -> Segment | None:
        """Return the free segment that was used last of those that fit `size` and are not much larger."""
        for segment in reversed(self._unlent):
            if size <= segment.capacity <= 2 * size and not segment.spoiled and not viewed(segment):
                return segment
        return None

    def make_room(self, capacity: int, viewed: Viewed) -> list[Segment] | None:
        """Return the free segments that go so that a new one fits, those unused for longest first; None: it can't."""
        going: list[Segment] = []
        over, count = self.size + capacity - self.limit, len(self._all) + 1 - self.most
        for segment in self._unlent:
            if over <= 0 and count <= 0:
                break
            if not viewed(segment):
                going.append(segment)
                over, count = over - segment.capacity, count - 1
        if over > 0 or count > 0:
            return None
        self._drop(going)
        return going

    def add(self, segment: Segment) -> None:
        """Take a new segment, for which there is room."""
        self._all[segment] = self._unlent[segment] = None
        self.size += segment.capacity

    def lend(self, segment: Segment) -> None:
        """Note that one more has `segment`."""
        if segment in self._unlent:
            self._lent_size += segment.capacity
        segment.lent += 1
        segment.known = True
        self._unlent.pop(segment, None)

    def give_back(self, segment: Segment, now: float, *, spoiled: bool) -> None:
        """Note that one less has `segment`; `spoiled`: it must not be written again."""
        segment.lent -= 1
        segment.spoiled = segment.spoiled or spoiled
        segment.idle_since = now
        if not segment.lent and segment in self._all:
            self._lent_size -= segment.capacity
            self._unlent[segment] = None

    def sweep(self, before: float, viewed: Viewed) -> list[Segment]:
        """Return the free segments that go because they are spoiled, or were not used since `before`."""
        going = [
            segment
            for segment in self._unlent
            if (segment.spoiled or segment.idle_since < before) and not viewed(segment)
        ]
        self._drop(going)
        return going

    def clear(self) -> list[Segment]:
        """Forget all segments; return them."""
        every = list(self._all)
        self._all.clear()
        self._unlent.clear()
        self.size = self._lent_size = 0
        return every

    def _drop(self, going: list[Segment]) -> None:
        for segment in going:
            del self._all[segment], self._unlent[segment]
            self.size -= segment.capacity
