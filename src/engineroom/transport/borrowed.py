"""Payloads that lie in another process's memory: held to be passed on, or mapped to be read here."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable

from engineroom.machine.shared_memory.memfd import map_to_read
from engineroom.protocol.messages import Shared
from engineroom.protocol.streams import Buffer, Payload


class HeldPayload(Payload):
    """A payload of which this process has the descriptor. It looks into it only to send or record its bytes.

    `gone(spoiled)` is called when nobody needs it any more; `spoiled`: somebody may still map it then.
    """

    __slots__ = ("_gone", "_mapped", "descriptor", "device", "inode", "offset", "spoiled")

    def __init__(
        self,
        body: Shared,
        descriptor: int,
        gone: Callable[[bool], None],
        *,
        accept: Callable[[], None] | None = None,
        refuse: Callable[[str], None] | None = None,
    ) -> None:
        self._mapped: list[Buffer] = []
        super().__init__(body.size, accept=accept, refuse=refuse)
        self.descriptor, self.offset = descriptor, body.offset
        self.device, self.inode = body.device, body.inode
        self.spoiled = False
        self._gone = gone

    @property
    def pieces(self) -> list[Buffer]:
        if not self._mapped:
            self._mapped = [memoryview(map_to_read(self.descriptor, self.offset, self.size))]
        return self._mapped

    @pieces.setter
    def pieces(self, pieces: list[Buffer]) -> None:
        assert not pieces

    def __del__(self) -> None:
        os.close(self.descriptor)
        self._gone(self.spoiled)


class MappedPayload(Payload):
    """A payload that this process maps, private and writable."""

    __slots__ = ("_view",)

    def __init__(
        self,
        size: int,
        mapping: mmap.mmap,
        *,
        accept: Callable[[], None] | None = None,
        refuse: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(size, accept=accept, refuse=refuse)
        self._view = memoryview(mapping)

    def buffer(self) -> memoryview:
        return self._view
