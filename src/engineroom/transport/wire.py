"""The writing end of a connection, for its loop and for other threads.

Handing a message to the I/O thread costs a wake-up, which is a good part of a lone call's round trip. So while the
loop has nothing to write, any thread may write a whole record itself; under load everything goes through the loop,
many messages at a time.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable

from engineroom.protocol.messages import Message
from engineroom.protocol.records import message_records
from engineroom.protocol.streams import Buffer
from engineroom.transport.secrecy import Secrecy
from engineroom.transport.sockets import lead_nowhere

_SMALL = 4096
"""Bytes that are sooner copied than handed to the kernel apart."""


class Wire:
    """One socket, shared by the loop and other threads: who writes to it, or uses its TLS state, holds the lock."""

    def __init__(
        self,
        transport: asyncio.Transport,
        secrecy: Secrecy | None,
        *,
        loop_has_more: Callable[[], bool],
        on_rest: Callable[[], object],
    ) -> None:
        """`secrecy`: the TLS state, None for a Unix socket. `loop_has_more()`: whether messages wait for the loop;
        `on_rest()`: have the loop call `write`."""
        self._transport, self._secrecy = transport, secrecy
        self._loop_has_more, self._on_rest = loop_has_more, on_rest
        self._lock = threading.Lock()
        self._rest = b""
        """What the kernel did not take of a record; it goes out before anything else."""
        self._descriptor = -1

    def open(self) -> None:
        """Write past the transport from now on, and let other threads do so."""
        # A descriptor of its own, so that a number that is used again is never written to.
        self._descriptor = os.dup(self._transport.get_extra_info("socket").fileno())

    def write_now(self, message: Message) -> bool:
        """Write `message`, from any thread, and return True; False, with nothing written, if this is not the time."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            if self._descriptor < 0 or self._rest or self._loop_has_more() or self._transport.get_write_buffer_size():
                return False
            record = b"".join(message_records((message,)))
            if self._secrecy is not None:
                record = self._secrecy.encrypt((record,))
            written = self._to_kernel([record])
            if written < len(record):
                self._rest = record[written:]
                self._on_rest()
            return True
        finally:
            self._lock.release()

    def write(self, parts: list[Buffer]) -> None:
        """Write `parts`, as they are where the kernel takes them at once. For the loop."""
        with self._lock:
            if self._secrecy is not None:
                parts = [self._secrecy.encrypt(parts)]
            if self._rest:
                parts = [self._rest, *parts]
                self._rest = b""
            size = sum(map(len, parts))
            if size == 0:
                return
            if size < _SMALL:
                parts = [b"".join(parts)]
            written = 0 if self._transport.get_write_buffer_size() else self._to_kernel(parts)
            if written < size:
                self._transport.write(memoryview(b"".join(parts))[written:])

    def hear(self, data: memoryview) -> bool:
        """Take what came over TLS; return whether `read` may bring anything. ssl.SSLError: it makes no sense."""
        assert self._secrecy is not None
        with self._lock:
            self._secrecy.take(data)
            established = self._secrecy.shake_hands()
            has_to_say = self._secrecy.has_to_say
        if has_to_say:
            self.write([])
        return established

    def read(self, target: memoryview) -> int:
        """Decrypt into `target`; return how many bytes, 0 when there is nothing more now."""
        assert self._secrecy is not None
        with self._lock:
            return self._secrecy.read(target)

    def close(self) -> None:
        """Write nothing any more."""
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1
            if self._secrecy is not None:
                self._secrecy.close()

    def leave_to_parent(self) -> None:
        """In a forked child: have no part in the connection, whose descriptors stay taken."""
        lead_nowhere(self._transport.get_extra_info("socket").fileno())
        if self._descriptor >= 0:
            lead_nowhere(self._descriptor)

    def _to_kernel(self, parts: list[Buffer]) -> int:
        if self._descriptor < 0:
            return 0
        try:
            return os.writev(self._descriptor, parts)
        except OSError:
            return 0  # full or broken: the transport will find out which
