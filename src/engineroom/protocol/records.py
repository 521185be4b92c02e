"""Records: how messages and chunks of streams lie on the wire.

A record is a 4-byte length (big-endian, of all that follows it), one byte that tells its kind, and its body:
for MESSAGES a msgpack array of messages, for a CHUNK the 4-byte id of a stream and some of its bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from engineroom.errors import ProtocolError
from engineroom.protocol.messages import Message

MAX_RECORD = 1024 * 1024
"""No record is longer, counted without its length."""

MAX_RECORD_BEFORE_TRUST = 16 * 1024
"""The same, for a peer that has not proved its key."""

CHUNK = 192 * 1024
"""Streams are cut into chunks of this many bytes: a little less than a socket takes at once by default."""

LARGE_CHUNK = 512 * 1024
"""The same, where the socket takes that much at once."""

MESSAGES, CHUNKS = 0, 1

_SMALLEST_BUFFER, _LARGEST_BUFFER = 8 * 1024, 256 * 1024

_HEAD = struct.Struct(">IB")
_HEAD_SIZE, _head_of, _head = _HEAD.size, _HEAD.unpack_from, _HEAD.pack
_CHUNK_HEAD = struct.Struct(">IBI")
_STREAM = struct.Struct(">I")

APART = 4096
"""Bytes that are handed to the kernel in parts; less is sooner copied into one."""

_NOT_ENCODABLE = (ValueError, OverflowError, TypeError)
"""What the encoder raises: a text is not Unicode, a number has more than 64 bits, a value has no type of ours."""

_encode = msgspec.msgpack.Encoder().encode


def message_records(
    messages: Sequence[Message],
    *,
    limit: int = MAX_RECORD,
    leave_out: Callable[[Message, str], object] | None = None,
) -> list[bytes]:
    """Return the parts, most often one short record, of records no longer than `limit` with `messages`.

    A message that no record can carry is left out: `leave_out(message, why)` is called for it, and the others travel.
    ProtocolError: there is such a message, and nobody to call.
    """
    try:
        body = _encode(messages)
        size = len(body)
        if size < limit:
            head = _head(size + 1, MESSAGES)
            return [head + body] if size < APART else [head, body]
        problem = f"it has {size} bytes, and the limit is {limit - 1}"
    except _NOT_ENCODABLE as error:
        problem = str(error)
    if len(messages) > 1:
        middle = len(messages) // 2
        first = message_records(messages[:middle], limit=limit, leave_out=leave_out)
        return first + message_records(messages[middle:], limit=limit, leave_out=leave_out)
    if leave_out is None:
        raise ProtocolError(f"this {type(messages[0]).__name__} message cannot be sent: {problem}")
    leave_out(messages[0], problem)
    return []


def chunk_head(stream: int, size: int) -> bytes:
    """Return what precedes `size` bytes of `stream` on the wire."""
    return _CHUNK_HEAD.pack(size + 1 + _STREAM.size, CHUNKS, stream)


class Sink(Protocol):
    """Where a RecordReader puts what it reads."""

    def on_record(self, body: memoryview) -> None:
        """Take the messages of one record; `body` is valid until this returns."""

    def chunk_target(self, stream: int, size: int) -> memoryview:
        """Return where the next `size` bytes of `stream` should be written."""

    def on_chunk(self, stream: int, size: int) -> None:
        """The target that was named last is full."""


class RecordReader:
    """Cuts what a connection delivers into records; `limit` is the longest record it accepts.

    It offers a buffer to read into (`buffer`) and is told how much was read (`updated`). Chunks are read right
    into their place, so that a long payload is copied once, by the kernel. The buffer starts small, for a
    controller has many connections, and grows where much comes in at once.
    """

    __slots__ = ("_buffer", "_direct", "_end", "_need", "_sink", "_stream", "_view", "limit")

    def __init__(self, sink: Sink, limit: int = MAX_RECORD_BEFORE_TRUST) -> None:
        self._sink = sink
        self.limit = limit
        self._begin_buffer(bytearray(_SMALLEST_BUFFER))
        self._end = 0
        self._need = 0
        self._direct: memoryview | None = None
        self._stream = (0, 0)

    def buffer(self) -> memoryview:
        """Return where the next bytes belong; never empty."""
        if self._direct is not None:
            return self._direct
        if self._need:
            if len(self._buffer) < self._need:
                self._begin_buffer(self._buffer + bytes(self._need - len(self._buffer)))
            self._need = 0
        return self._view[self._end :] if self._end else self._view

    def updated(self, count: int) -> None:
        """Take note that `count` bytes were written to `buffer()`.

        ProtocolError: not our protocol.
        """
        alone = self.lone(count)  # so nearly always, where little is under way
        if alone is not None:
            self._sink.on_record(alone)
            return
        if self._direct is not None:
            self._fill(self._direct[count:])
            return
        self._end += count
        full = self._end == len(self._buffer)
        rest = self._cut(self._view[: self._end])
        if rest:
            self._buffer[: self._end - rest] = self._buffer[rest : self._end]
            self._end -= rest
        if full and len(self._buffer) < _LARGEST_BUFFER:
            self._begin_buffer(self._buffer + bytes(len(self._buffer)))

    def lone(self, count: int) -> memoryview | None:
        """Return the body of the record of messages that the `count` bytes written to `buffer()` are, or None.

        It counts as read, without a call of `updated`. None: it is not one whole record, and nothing has changed.
        """
        buffer = self._buffer
        if self._end or self._direct is not None or not _HEAD_SIZE <= count < len(buffer):
            return None
        length, kind = _head_of(buffer)
        if kind != MESSAGES or length + 4 != count or length > self.limit:
            return None
        return self._view[_HEAD_SIZE:count]

    @property
    def is_midway(self) -> bool:
        """Whether a record has come in part."""
        return self._end > 0 or self._direct is not None

    @property
    def waiting(self) -> int:
        """Bytes of a record that is not complete."""
        return self._end

    def _begin_buffer(self, buffer: bytearray) -> None:
        self._buffer, self._view = buffer, memoryview(buffer)

    def _cut(self, view: memoryview) -> int:
        """Hand on the complete records in `view`; return where the rest begins."""
        at, end = 0, len(view)
        while end - at >= _HEAD_SIZE:
            length, kind = _head_of(view, at)
            if length == 0 or length > self.limit:
                raise ProtocolError(f"a record of {length} bytes is too long; the limit is {self.limit}")
            after = at + 4 + length
            if kind == MESSAGES:
                if after > end:
                    self._need = after - at
                    break
                self._sink.on_record(view[at + _HEAD_SIZE : after])
            elif kind == CHUNKS:
                if length < 1 + _STREAM.size:
                    raise ProtocolError("a chunk without a stream")
                if end - at < _CHUNK_HEAD.size:
                    break
                self._begin_chunk(
                    _STREAM.unpack_from(view, at + _HEAD_SIZE)[0], view[at + _CHUNK_HEAD.size : after], length
                )
            else:
                raise ProtocolError(f"a record of unknown kind {kind}")
            at = min(after, end)
        return at

    def _begin_chunk(self, stream: int, there: memoryview, length: int) -> None:
        size = length - 1 - _STREAM.size
        target = self._sink.chunk_target(stream, size)
        target[: len(there)] = there
        self._stream = stream, size
        self._fill(target[len(there) :])

    def _fill(self, left: memoryview) -> None:
        """Note what is `left` to be written of the chunk's target."""
        if left:
            self._direct = left
        else:
            self._direct = None
            self._sink.on_chunk(*self._stream)
