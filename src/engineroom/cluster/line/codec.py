"""Lines over pipes and sockets: how a host talks with its children, its owner, and whoever asks it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class LineReceiver(asyncio.Protocol):
    """Calls `on_line(line)` for each line that arrives, then `on_end()` once."""

    def __init__(self, on_line: Callable[[bytes], None], on_end: Callable[[], None] | None = None) -> None:
        self._on_line, self._on_end = on_line, on_end
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._on_line(line)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._rest:
            self._on_line(self._rest)
        if self._on_end is not None:
            self._on_end()
