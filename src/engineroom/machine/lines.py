"""Bytes that arrive in pieces, as lines: the one way in which our processes read what others say to them."""

from __future__ import annotations

TYPE_CHECKING = False  # spares the processes that are to start fast an import
if TYPE_CHECKING:
    from collections.abc import Callable


class Lines:
    """Takes bytes as they arrive, and gives whole lines, without their ends."""

    __slots__ = ("_pieces",)

    def __init__(self, first: bytes = b"") -> None:
        """`first`: the beginning of a line, which has arrived already."""
        self._pieces = [first] if first else []

    def take(self, data: bytes) -> list[bytes]:
        """Return the lines that are complete with `data`; in all, that costs time in proportion to the bytes."""
        if b"\n" not in data:
            if data:
                self._pieces.append(data)
            return []
        *lines, rest = data.split(b"\n")
        lines[0] = b"".join((*self._pieces, lines[0]))
        self._pieces = [rest] if rest else []
        return lines

    def rest(self) -> bytes:
        """Return, and forget, what has arrived of a line that is not complete."""
        rest = b"".join(self._pieces)
        self._pieces.clear()
        return rest


def first_line(read: Callable[[], bytes]) -> tuple[bytes, bytes]:
    """Return the first line of what `read()` returns in pieces, and what has come after it; b"" twice if there is none.

    `read()` returns b"" at the end.
    """
    lines = Lines()
    while data := read():
        if found := lines.take(data):
            first, *more = found
            return first, b"\n".join((*more, lines.rest()))
    return b"", b""
