"""A payload that several engines of a machine need: it comes to this one for all, is mapped, or comes for it alone."""

from __future__ import annotations

import mmap
from collections.abc import Callable

from engineroom.errors import ProtocolError
from engineroom.machine.shared_memory.again import mapper_of
from engineroom.machine.shared_memory.memfd import OwnSegment
from engineroom.protocol.streams import LOOK_AFTER, Payload, see_to_memory

_NOWHERE = memoryview(b"")


class NearPayload(Payload):
    """It has no place at first. `segment`: where it arrives for others, too; None: for this process alone, or nowhere.

    `whole()` is called when all chunks are here, before anybody else is told.
    """

    __slots__ = ("_is_whole", "_looked", "_reopen", "_view", "segment")

    def __init__(self, size: int, *, whole: Callable[[], None], refuse: Callable[[str], None]) -> None:
        super().__init__(size, refuse=refuse)
        self._is_whole = whole
        self._view = _NOWHERE
        self._reopen: Callable[[], int] | None = None
        self._looked = 0
        self.segment: OwnSegment | None = None

    def arrive_in(self, segment: OwnSegment, view: memoryview) -> None:
        """Have it come there, seen as `view`."""
        self.segment, self._view = segment, view

    def arrive_alone(self) -> None:
        """Have it come for this process alone. MemoryError, OSError: there is no memory for it."""
        see_to_memory(self)
        self._view = memoryview(mmap.mmap(-1, self.size))

    def lie_in(self, view: memoryview, reopen: Callable[[], int]) -> None:
        """Have all of it there, at the beginning of the segment that `reopen()` opens again."""
        self.segment, self._view, self._reopen = None, view, reopen

    def target(self, size: int) -> memoryview:
        end = self.received + size
        if end > len(self._view):
            raise ProtocolError(f"a stream of {self.size} bytes has more, or was not asked for")
        if self.received - self._looked >= LOOK_AFTER:
            self._looked = self.received
            see_to_memory(self)
        if self.segment is not None:
            try:
                self.segment.reserve(end)
            except OSError as error:
                raise MemoryError(str(error)) from error
        return self._view[self.received : end]

    def filled(self, size: int) -> None:
        self.received += size
        if self.complete:
            self._is_whole()
        self._tell()

    def fail(self, reason: str) -> None:
        self.segment, self._view = None, _NOWHERE
        super().fail(reason)

    def buffer(self) -> memoryview:
        if self.error is not None:
            raise MemoryError(self.error)
        return self._view

    def mapper(self) -> Callable[[], memoryview] | None:
        return None if self._reopen is None else mapper_of(self._view, self._reopen, 0)
