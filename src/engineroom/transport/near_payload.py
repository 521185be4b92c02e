"""A payload that several engines of a machine need: it comes to this one for all, is mapped, or comes for it alone."""

from __future__ import annotations

from collections.abc import Callable

from engineroom.machine.large_blocks import private
from engineroom.machine.shared_memory.again import mapper_of
from engineroom.machine.shared_memory.memfd import OwnSegment
from engineroom.protocol.streams import PlacedPayload


class NearPayload(PlacedPayload):
    """It has no place at first. `segment`: where it arrives for others, too; None: for this process alone, or nowhere.

    `whole()` is called when all chunks are here, before anybody else is told.
    """

    __slots__ = ("_is_whole", "_reopen", "segment")

    def __init__(self, size: int, *, whole: Callable[[], None], refuse: Callable[[str], None]) -> None:
        super().__init__(size, refuse=refuse)
        self._is_whole = whole
        self._reopen: Callable[[], int] | None = None
        self.segment: OwnSegment | None = None

    def arrive_in(self, segment: OwnSegment, view: memoryview) -> None:
        """Have it come there, seen as `view`."""
        self.segment, self._place = segment, view

    def arrive_alone(self) -> None:
        """Have it come for this process alone. MemoryError, OSError: there is no memory for it."""
        self.see_to_memory()
        self._place = memoryview(private(self.size))

    def lie_in(self, view: memoryview, reopen: Callable[[], int]) -> None:
        """Have all of it there, at the beginning of the segment that `reopen()` opens again."""
        self.segment, self._place, self._reopen = None, view, reopen

    def see_to_memory(self) -> None:
        if self.segment is None or self.segment.populated < self.size:
            super().see_to_memory()

    def _place_for(self, size: int) -> memoryview:
        if self.segment is not None:
            try:
                self.segment.reserve(self.received + size)
            except OSError as error:
                raise MemoryError(str(error)) from error
        return super()._place_for(size)

    def filled(self, size: int) -> None:
        self.received += size
        if self.complete:
            self._is_whole()
        self._tell()

    def fail(self, reason: str) -> None:
        super().fail(reason)
        if self.error is not None:
            self.segment = None

    def mapper(self) -> Callable[[], memoryview] | None:
        return None if self._reopen is None else mapper_of(self._place, self._reopen, 0)
