"""Lines over pipes and sockets: how a host talks with its children, its owner, and whoever asks it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from engineroom.machine.lines import Lines


class LineReceiver(asyncio.Protocol):
    """Calls `on_line(line)` for each line that arrives, then `on_end()` once."""

    def __init__(self, on_line: Callable[[bytes], None], on_end: Callable[[], None] | None = None) -> None:
        self._on_line, self._on_end = on_line, on_end
        self._lines = Lines()

    def data_received(self, data: bytes) -> None:
        for line in self._lines.take(data):
            self._on_line(line)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if rest := self._lines.rest():
            self._on_line(rest)
        if self._on_end is not None:
            self._on_end()
