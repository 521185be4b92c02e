"""Records: how messages and chunks of streams lie on the wire.

A record is a 4-byte length (big-endian, of all that follows it), one byte that tells its kind, and its body:
for MESSAGES a msgpack array of messages, for a CHUNK the 4-byte id of a stream and some of its bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

import msgspec

from engineroom.errors import ProtocolError
from engineroom.protocol.messages import Message

MAX_RECORD = 1024 * 1024
"""No record is longer, counted without its length."""

MAX_RECORD_BEFORE_TRUST = 16 * 1024
"""The same, for a peer that has not proved its key."""

CHUNK = 256 * 1024
"""Streams are cut into chunks of at most this many bytes."""

MESSAGES, CHUNKS = 0, 1

_HEAD = struct.Struct(">IB")
_CHUNK_HEAD = struct.Struct(">IBI")
_STREAM = struct.Struct(">I")

_encode = msgspec.msgpack.Encoder().encode


def message_records(messages: Sequence[Message]) -> Iterator[bytes]:
    """Yield the records, seldom more than one, that carry `messages` in order.

    ProtocolError: one message alone is longer than a record may be.
    """
    body = _encode(messages)
    if len(body) < MAX_RECORD:
        yield _HEAD.pack(len(body) + 1, MESSAGES)
        yield body
    elif len(messages) > 1:
        middle = len(messages) // 2
        yield from message_records(messages[:middle])
        yield from message_records(messages[middle:])
    else:
        raise ProtocolError(f"a {type(messages[0]).__name__} message of {len(body)} bytes is too long to send")


def chunk_head(stream: int, size: int) -> bytes:
    """Return what precedes `size` bytes of `stream` on the wire."""
    return _CHUNK_HEAD.pack(size + 1 + _STREAM.size, CHUNKS, stream)


def split_chunk(body: memoryview) -> tuple[int, memoryview]:
    """Return the stream and the bytes of a CHUNK record's body."""
    if len(body) < _STREAM.size:
        raise ProtocolError("a chunk without a stream")
    return _STREAM.unpack_from(body)[0], body[_STREAM.size :]


class RecordReader:
    """Cuts what a connection delivers into records; `limit` is the longest record it accepts."""

    __slots__ = ("_rest", "limit")

    def __init__(self, limit: int = MAX_RECORD_BEFORE_TRUST) -> None:
        self.limit = limit
        self._rest = bytearray()

    def feed(self, data: bytes | memoryview) -> list[tuple[int, memoryview]]:
        """Return the (kind, body) of each record that `data` completes.

        The bodies are views that are valid until they are dropped. ProtocolError: not our protocol.
        """
        continued = bool(self._rest)
        if continued:
            self._rest += data
        view = memoryview(self._rest if continued else data)
        records = []
        at, end = 0, len(view)
        while end - at >= _HEAD.size:
            length, kind = _HEAD.unpack_from(view, at)
            if length == 0 or length > self.limit:
                raise ProtocolError(f"a record of {length} bytes; at most {self.limit} are allowed here")
            if kind > CHUNKS:
                raise ProtocolError(f"a record of kind {kind}, which nobody knows")
            after = at + 4 + length
            if after > end:
                break
            records.append((kind, view[at + _HEAD.size : after]))
            at = after
        if at == end:
            self._rest = bytearray()
        elif at or not continued:
            self._rest = bytearray(view[at:])
        else:
            view.release()
        return records

    @property
    def waiting(self) -> int:
        """Bytes of a record that is not complete."""
        return len(self._rest)
