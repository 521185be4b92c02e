"""Parts of a text or of bytes that `scatter` cut: like any other, but `gather` knows that they belong together."""

from __future__ import annotations


class TextPart(str):
    """A part of a text."""

    __slots__ = ()


class BytesPart(bytes):
    """A part of bytes."""
