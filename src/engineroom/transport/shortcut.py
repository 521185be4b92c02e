"""A way around the loop: a lone message is written to a Unix socket by the thread that has it.

Handing a message to the I/O thread costs a wake-up, which is a good part of a lone call's round trip. While the
loop has nothing to write, any thread may write a whole record itself; under load everything goes the usual way,
many messages at a time.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence

from engineroom.protocol.messages import Message
from engineroom.protocol.records import message_records
from engineroom.protocol.streams import Buffer


class Shortcut:
    """Shared by the loop and other threads, one socket; whoever writes holds `lock`.

    `rest`: what the kernel did not take of a record; it goes out before anything else.
    """

    def __init__(self, descriptor: int, *, loop_has_more: Callable[[], bool], on_rest: Callable[[], object]) -> None:
        """`loop_has_more()`: whether the loop has something to write; `on_rest()`: have the loop write `rest`."""
        self.lock = threading.Lock()
        self.rest = b""
        self._descriptor = os.dup(descriptor)  # so that a number that is used again is never written to
        self._loop_has_more, self._on_rest = loop_has_more, on_rest

    def write(self, message: Message) -> bool:
        """Write `message` and return True; or return False, with nothing written, when this is not the time."""
        if not self.lock.acquire(blocking=False):
            return False
        try:
            if self._descriptor < 0 or self.rest or self._loop_has_more():
                return False
            record = b"".join(message_records((message,)))
            try:
                count = os.write(self._descriptor, record)
            except OSError:
                return False  # full or broken: the loop will find out which
            if count < len(record):
                self.rest = record[count:]
                self._on_rest()
            return True
        finally:
            self.lock.release()

    def write_parts(self, parts: Sequence[Buffer]) -> int:
        """Write as much of `parts` as the kernel takes; return how many bytes. The lock is held, by the loop."""
        try:
            return os.writev(self._descriptor, parts) if self._descriptor >= 0 else 0
        except OSError:
            return 0  # full or broken: the transport will find out which

    def close(self) -> None:
        """Write nothing any more."""
        with self.lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1

    def leave_to_parent(self) -> None:
        """In a forked child: have no part in the connection, whose descriptor stays taken."""
        if self._descriptor >= 0:
            connect_to_nothing(self._descriptor)


def connect_to_nothing(descriptor: int) -> None:
    """Make `descriptor` lead to /dev/null; its number stays taken."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, descriptor, inheritable=False)
    os.close(nowhere)
