"""Lines over a pair of descriptors, whatever they are: pipes, or one socket that serves as both."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
from collections.abc import Callable

from engineroom.machine.lines import Lines

_SETTLE = 0.1
"""Seconds between the end of what is read and a look at what is written: an sshd that ends closes one by one."""


class DescriptorLine:
    """Calls `on_line(line)` for each line, then `on_end(cut)`: whether nobody hears us any more either.

    Empty lines are signs of life. `heard_at`: when something came last, by the loop's clock.

    asyncio's own transport for pipes takes whatever arrives on a socket that it writes to for its end.
    """

    def __init__(
        self,
        read: int,
        write: int,
        *,
        on_line: Callable[[bytes], None],
        on_end: Callable[[bool], None],
        heard: bytes = b"",
    ) -> None:
        """`heard`: what was read already, and comes first."""
        self._read, self._write = read, write
        self._on_line, self._on_end = on_line, on_end
        self._lines, self._unsent = Lines(), bytearray()
        self._writing = self._closed = self._deaf = self._holding = False
        self._empty = asyncio.Event()
        self._empty.set()
        self._loop = asyncio.get_running_loop()
        for descriptor in (read, write):
            os.set_blocking(descriptor, False)
        self.heard_at = self._loop.time()
        self._loop.add_reader(read, self._readable)
        if heard:
            self._loop.call_soon(self._take, heard)

    def tell(self, data: bytes) -> None:
        """Send `data` when there is room; nothing happens if nobody hears us."""
        if self._closed or self._deaf:
            return
        self._unsent += data
        self._empty.clear()
        if not self._writing and not self._holding:
            self._writable()

    async def flush(self, seconds: float) -> None:
        """Wait until everything has left, or nobody hears us, or `seconds` are over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._empty.wait()

    def close(self) -> None:
        """Let go of the descriptors."""
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._read)
        self._empty.set()
        self._stop_writing()
        for descriptor in {self._read, self._write}:
            os.close(descriptor)

    def _readable(self) -> None:
        try:
            data = os.read(self._read, 65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._loop.remove_reader(self._read)
            self._holding = True  # what is written now could hide who closed what
            self._stop_writing()
            self._loop.call_later(_SETTLE, self._ended)
            return
        self.heard_at = self._loop.time()
        self._take(data)

    def _take(self, data: bytes) -> None:
        for line in self._lines.take(data):
            if line:
                self._on_line(line)

    def _ended(self) -> None:
        if self._closed:
            return
        poll = select.poll()
        poll.register(self._write, 0)
        cut = bool(poll.poll(0))  # POLLHUP and POLLERR need not be asked for
        self._holding = False
        self._writable()
        self._on_end(cut)

    def _writable(self) -> None:
        try:
            sent = os.write(self._write, self._unsent) if self._unsent else 0
        except BlockingIOError:
            sent = 0
        except OSError:
            self._deaf, sent = True, len(self._unsent)
        del self._unsent[:sent]
        if not self._unsent:
            self._empty.set()
            self._stop_writing()
        elif not self._writing:
            self._writing = True
            self._loop.add_writer(self._write, self._writable)

    def _stop_writing(self) -> None:
        if self._writing:
            self._writing = False
            self._loop.remove_writer(self._write)
