"""The writing end of a connection, for its loop and for other threads.

Handing a message to the I/O thread costs a wake-up, which is a good part of a lone call's round trip. So while the
loop has nothing to write, any thread may write a whole record itself; under load everything goes through the loop,
many messages at a time.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

from engineroom.errors import ProtocolError
from engineroom.protocol.messages import Message
from engineroom.protocol.records import APART, message_records
from engineroom.protocol.streams import Buffer
from engineroom.transport.secrecy import Secrecy
from engineroom.transport.sockets import lead_nowhere

_AT_ONCE = (False,)


class Wire:
    """One socket, shared by the loop and other threads: who writes to it, or uses its TLS state, holds the lock."""

    def __init__(
        self,
        transport: asyncio.Transport,
        secrecy: Secrecy | None,
        *,
        on_rest: Callable[[], object],
        on_broken: Callable[[], object],
    ) -> None:
        """`secrecy`: the TLS state, None for a Unix socket.

        `on_rest()`: have the loop call `write`; `on_broken()`: have it give up the connection.
        """
        self._transport, self._secrecy = transport, secrecy
        self._on_rest, self._on_broken = on_rest, on_broken
        self._lock: Any = threading.RLock()
        self._rest = b""
        """What the kernel did not take of a record; it goes out before anything else."""
        self._descriptor = -1
        self._broken = False

    def open(self) -> None:
        """Write past the transport from now on, and let other threads do so."""
        # A descriptor of its own, so that a number that is used again is never written to.
        self._descriptor = os.dup(self._transport.get_extra_info("socket").fileno())

    def write_now(self, message: Message, claim: Callable[[], bool] | None = None) -> bool:
        """Write `message`, from any thread, and return True; False, with nothing written, if this is not the time.

        `claim()`: whether it is still to be written, asked when nothing is in the way any more.
        """
        lock = self._lock
        if lock._is_owned():
            return False  # by what a signal handler or a finalizer has interrupted
        locked: list[bool] = []
        begun = ended = False
        try:
            # No bytecode lies between taking the lock and knowing it, so that no handler can raise there.
            locked.extend(map(lock.acquire, _AT_ONCE))
            if not locked[0] or self._descriptor < 0 or self._rest or self._transport.get_write_buffer_size():
                return False
            try:
                record = b"".join(message_records((message,)))
            except ProtocolError:
                return False  # the loop knows whom to tell
            begun = claim is None or claim()
            if begun:
                self._write_record(record)
            ended = True
            return True
        finally:
            if begun and not ended:
                self._give_up()
            if locked and locked[0]:
                lock.release()

    @property
    def broken(self) -> bool:
        """Whether nothing is written any more, because a record may have been written in part."""
        return self._broken

    @property
    def held_here(self) -> bool:
        """Whether this thread is in the middle of something here."""
        return bool(self._lock._is_owned())

    def _give_up(self) -> None:
        """A handler has raised in the middle of a record: nobody knows how much of it is on its way."""
        self._broken = True
        self._on_broken()

    def _write_record(self, record: bytes) -> None:
        if self._secrecy is not None:
            record = self._secrecy.encrypt((record,))
        written = self._to_kernel([record])
        if written < len(record):
            self._rest = record[written:]
            self._on_rest()

    def write(self, parts: Sequence[Buffer]) -> None:
        """Write `parts`, as they are where the kernel takes them at once. For the loop."""
        with self._lock:
            if self._broken:
                return
            if self._secrecy is not None:
                parts = [self._secrecy.encrypt(parts)]
            if self._rest:
                parts = [self._rest, *parts]
                self._rest = b""
            size = len(parts[0]) if len(parts) == 1 else sum(map(len, parts))
            if size == 0:
                return
            if size < APART and len(parts) > 1:
                parts = [b"".join(parts)]
            written = 0 if self._transport.get_write_buffer_size() else self._to_kernel(parts)
            if written < size:
                self._transport.write(memoryview(b"".join(parts))[written:])

    def hear(self, data: memoryview) -> bool:
        """Take what came over TLS; return whether `read` may bring anything. ssl.SSLError: it makes no sense."""
        assert self._secrecy is not None
        with self._lock:
            self._secrecy.take(data)
            established = self._secrecy.established or self._secrecy.shake_hands()
            has_to_say = self._secrecy.has_to_say
        if has_to_say:
            self.write([])
        return established

    def read(self, target: memoryview) -> int:
        """Decrypt into `target`; return how many bytes, 0 when there is nothing more now."""
        assert self._secrecy is not None
        with self._lock:
            return self._secrecy.read(target)

    def open_here(self, data: memoryview, target: memoryview) -> int:
        """Take what came over TLS and decrypt it into `target`, in any thread; return how many bytes that made.

        ssl.SSLError: it makes no sense.
        """
        secrecy = self._secrecy
        assert secrecy is not None
        with self._lock:
            if not secrecy.established:  # it is closed
                return 0
            secrecy.take(data)
            count = secrecy.read(target)
            if secrecy.has_to_say:
                self._on_rest()
        return count

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

    def _to_kernel(self, parts: Sequence[Buffer]) -> int:
        if self._descriptor < 0:
            return 0
        try:
            return os.writev(self._descriptor, parts)
        except (BrokenPipeError, ConnectionResetError):
            # Nobody reads this any more. What the far end had written before it left is still to be read here, and the
            # transport, which would close at once, finds the end behind it.
            return sum(map(len, parts))
        except OSError:
            return 0  # full or broken: the transport will find out which
