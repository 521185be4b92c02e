"""The beginning of a pickle that stands on modules of the user's: it says which, by the hashes of their content."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from engineroom.protocol.content_hashes import SIZE
from engineroom.serialize.frames import FRAMED, Buffer, Packed, pickle_in

_HOME = b"engineroom.serialize.modules.arriving"
_HEAD = b"\x80\x05\x8c%c%b\x8c\x06arrive\x93B" % (len(_HOME), _HOME)
"""Calls `arrive` with bytes; nothing is put into the pickle's memory, so that all else in it means what it meant."""
_FIRST = (_HEAD, bytes([FRAMED]))
_LENGTH = struct.Struct("<I")
_END = b"\x85R0"


def with_prelude(pickle: bytes, hashes: Iterable[bytes]) -> bytes:
    """Return `pickle`, which begins to be unpacked once the modules with these hashes are in place."""
    every = b"".join(hashes)
    return b"".join((_HEAD, _LENGTH.pack(len(every)), every, _END, memoryview(pickle)[2:]))


def stands_on_nothing(body: Packed) -> bool:
    """Return whether what was packed names no modules, as can be seen at once; False: perhaps not."""
    return type(body) is bytes and not body.startswith(_FIRST)


def hashes_in(pickle: Buffer) -> bytes:
    """Return the hashes that a pickle begins with, one after the other; b"" for none."""
    start = len(_HEAD) + _LENGTH.size
    if bytes(pickle[: len(_HEAD)]) != _HEAD:
        return b""
    (size,) = _LENGTH.unpack_from(pickle, len(_HEAD))
    return bytes(pickle[start : start + size])


def needed_by(body: Packed) -> Iterator[bytes]:
    """Return the hashes of the modules that what was packed stands on."""
    return cut(hashes_in(pickle_in(body)))


def cut(hashes: bytes) -> Iterator[bytes]:
    """Yield the hashes that follow each other in a string."""
    return (hashes[place : place + SIZE] for place in range(0, len(hashes), SIZE))
