"""What functions and their parts are called by: a hash of their content, which whoever takes them checks.

It covers what a function says that its parts are. A part and functions with other numbers of parts never have the same
hash, whatever is in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b

from engineroom.protocol.streams import Buffer, Payload

SIZE = 16


class ContentHash:
    """The hash of content that comes piece by piece. `parts`: those of a function; None: it is a part itself."""

    __slots__ = ("_hash", "_pieces")

    def __init__(self, parts: Sequence[bytes] | None) -> None:
        kind = b"part" if parts is None else b"%d parts" % len(parts)
        self._hash = blake2b(b"".join(parts or ()), digest_size=SIZE, person=kind)
        self._pieces = 0

    def add(self, pieces: Iterable[Buffer]) -> None:
        """Take in more."""
        for piece in pieces:
            self._hash.update(piece)

    def follow(self, payload: Payload) -> None:
        """Take in what has come of `payload` since the last call."""
        seen, self._pieces = self._pieces, len(payload.pieces)
        self.add(payload.pieces[seen:])

    def digest(self) -> bytes:
        """Return the hash of what has come so far."""
        return self._hash.digest()


def content_hash(pieces: Iterable[Buffer], parts: Sequence[bytes] | None) -> bytes:
    """Return what content is called by."""
    content = ContentHash(parts)
    content.add(pieces)
    return content.digest()
