"""Published values: sent once as a part of their own, which stays on engines; calls name them by their content.

Where such a part arrives it lies in memory that nobody writes to, so all tasks of an engine look at one copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from engineroom.errors import EngineroomError
from engineroom.protocol.content_hashes import content_hash
from engineroom.serialize.frames import FRAMED, Buffer, split_to_read
from engineroom.serialize.functions.interactive import home
from engineroom.serialize.functions.large_parts import Part
from engineroom.serialize.loading import loaded
from engineroom.serialize.payloads import pack, unpickled

_PICKLE = 0x80


class PublishedPart(Part):
    """A packed value. Its body on the wire begins as that of no other part or function."""

    __slots__ = ()
    stays = True

    def __init__(self, packed: bytes | Sequence[memoryview]) -> None:  # not of a view, as other parts
        self.source, self.kind, self.copied = None, FRAMED, 0
        self.length = 0
        """Of what is copied for a function: this is not."""
        self._segments = [memoryview(packed)] if isinstance(packed, bytes) else list(packed)
        self.hash = content_hash(self._segments, None)

    @property
    def size(self) -> int:
        return sum(map(len, self._segments))


def published(value: object) -> PublishedPart:
    """Return a snapshot of `value`. PackError: it cannot be sent."""
    return PublishedPart(pack(value, what="the published value"))


def is_published(body: Buffer) -> bool:
    """Whether what arrived as a function is a published value."""
    return len(body) > 0 and body[0] in {FRAMED, _PICKLE}


def value_of(digest: bytes) -> Any:
    """Return the published value with this hash, on an engine: unpacked anew, with arrays that cannot be written to."""
    body = home.published(digest)
    if body is None:
        _refuse()
    if body[0] != FRAMED:
        return unpickled(body)
    pickle, buffers = split_to_read(body)
    return loaded("pickle").loads(pickle, buffers=buffers)


def _refuse() -> NoReturn:
    where = "on this engine: it was released" if home.namespace is not None else "here"
    raise EngineroomError(
        f"a published value is not {where}. A reference to it can only be an argument of calls of the client that "
        "published it, until that releases it; publish the value again"
    )
