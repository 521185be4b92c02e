"""Payloads that lie in another process's memory: held to be passed on, or mapped to be read here."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import ClassVar

from engineroom.machine.large_blocks import BLOCKS, LEAST, private
from engineroom.machine.shared_memory.again import mapper_of
from engineroom.machine.shared_memory.mapped import MAPPINGS
from engineroom.machine.shared_memory.memfd import map_to_read
from engineroom.machine.shared_memory.scarce import has_memory
from engineroom.protocol.messages import Shared
from engineroom.protocol.streams import Buffer, Payload
from engineroom.transport.idle_payloads import IdlePayloads

_MOST = 256 << 20
"""Larger ones are not copied: this process would stand still meanwhile."""

_looking = threading.Lock()
"""Held while a payload is mapped or copied."""


class HeldPayload(Payload):
    """A payload of which this process has the descriptor. It looks into it only to send, record or keep its bytes.

    `lent`: to how many it is passed on now; `idle`: where it waits once nobody has it. `gone(spoiled)` is called when
    nobody needs the memory any more; `spoiled`: somebody may still map it then.
    """

    unseen = True
    count: ClassVar[int] = 0
    """How many this process has open."""

    __slots__ = (
        "__weakref__", "_gone", "_looked_at", "descriptor", "device", "idle", "inode", "lent", "offset", "scarce",
        "spoiled",
    )  # fmt: skip

    def __init__(
        self,
        body: Shared,
        descriptor: int,
        gone: Callable[[bool], None],
        idle: IdlePayloads,
        *,
        accept: Callable[[], None] | None = None,
        refuse: Callable[[str], None] | None = None,
    ) -> None:
        self._looked_at: list[Buffer] = []
        super().__init__(body.size, accept=accept, refuse=refuse)
        self.descriptor, self.offset = descriptor, body.offset
        self.device, self.inode, self.scarce = body.device, body.inode, body.scarce
        self.lent = 0
        self.spoiled = False
        self._gone, self.idle = gone, idle
        HeldPayload.count += 1

    @property
    def pieces(self) -> list[Buffer]:
        with _looking:
            if not self._looked_at:
                self._looked_at = [memoryview(map_to_read(self.descriptor, self.offset, self.size))]
            return self._looked_at

    @pieces.setter
    def pieces(self, pieces: list[Buffer]) -> None:
        assert not pieces

    @property
    def may_be_kept(self) -> bool:
        """Whether it is worth a copy if it is not needed at once."""
        return not self.lent and self.size <= _MOST

    def keep(self) -> bool:
        """Have a copy of it, and no part in the memory any more; False if somebody has it, or looks at it."""
        with _looking:
            if not self.may_be_kept or self._looked_at or self.descriptor < 0 or not has_memory(self.size):
                return False
            data = os.pread(self.descriptor, self.size, self.offset)
            if len(data) != self.size:
                return False
            self._looked_at = [data]
            self._let_go()
            return True

    def _let_go(self) -> None:
        os.close(self.descriptor)
        self.descriptor = -1
        HeldPayload.count -= 1
        self._gone(self.spoiled)

    def __del__(self) -> None:
        if self.descriptor >= 0:
            self._let_go()


class MappedPayload(Payload):
    """A payload that this process maps, private and writable, in a segment that `reopen()` opens again."""

    __slots__ = ("_offset", "_reopen", "_scarce", "_view")

    def __init__(
        self,
        view: memoryview,
        body: Shared,
        reopen: Callable[[], int],
        *,
        accept: Callable[[], None] | None = None,
        refuse: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(len(view), accept=accept, refuse=refuse)
        self._view, self._offset, self._scarce, self._reopen = view, body.offset, body.scarce, reopen

    def buffer(self) -> memoryview:
        return self._view

    def hand_over(self) -> Buffer:
        copied = copy_of(self._view) if self._scarce else None
        return super().hand_over() if copied is None else copied

    def unchanged(self) -> Buffer | None:
        if self.handed_over and not MAPPINGS.is_clean(self._view):
            return None
        return self._view

    def mapper(self) -> Callable[[], memoryview] | None:
        return mapper_of(self._view, self._reopen, self._offset)


def copy_of(view: memoryview) -> Buffer | None:
    """Return a copy of `view` in writable memory; None: there is none for it."""
    size = len(view)
    if size < LEAST:
        return bytearray(view)
    try:
        if not has_memory(size):
            return None
        place = BLOCKS.take(size) or memoryview(private(size))
    except (OSError, MemoryError):
        return None
    from engineroom.machine.shared_memory.copying import copy  # with ctypes, which takes 8 ms

    copy(place, view)
    return place
