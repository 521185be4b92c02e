"""The values that one attempt has published: the latest of each name."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from engineroom.protocol.ranges import MOST_DISPLAY

Item = tuple[bytes, bytes]
"""A name and its value, each packed."""

_BESIDE = 16
"""Bytes that a value takes in a message beside its own, at most."""

LIMIT = MOST_DISPLAY - _BESIDE
"""Bytes that all values of a task may take, packed: they travel in one message."""


_EACH_TIME = 64 * 1024
"""Bytes that may go out every 50 ms: a task that publishes large values all the time does not fill its connection."""


class TooMuchPublished(ValueError):
    """A task publishes more than fits one message."""


class Published:
    """The latest value of each name, packed together with the name. Their bytes are bounded."""

    __slots__ = ("_changed", "_items", "_pause", "size")

    def __init__(self) -> None:
        self._items: dict[object, Item] = {}
        self._changed = False
        self._pause = 0
        """So many times nothing more is taken, because what was taken last is large."""
        self.size = 0
        """Bytes that they take, packed."""

    def update(self, items: Mapping[object, Item]) -> None:
        """Take these values, by their names; TooMuchPublished: all together they take too much, and none was taken."""
        known = self._items
        size = self.size + sum(map(_size_of, items.values()))
        size -= sum(_size_of(known[name]) for name in items if name in known)
        if size > LIMIT:
            raise TooMuchPublished(
                f"the values that this task publishes take {size:,} bytes, and the limit is {LIMIT:,} bytes. Publish "
                "less, for example a summary, and return the rest"
            )
        known.update(items)
        self.size, self._changed = size, True

    def take(self, *, end: bool = False) -> bytes | None:
        """Return, once, all values as one message has them; None: nothing was published since, or it is too early.

        Called every 50 ms, and at the `end`, when it is never too early.
        """
        self._pause = max(0, self._pause - 1)
        if not self._changed or (self._pause and not end):
            return None
        self._changed, self._pause = False, 1 + self.size // _EACH_TIME
        return msgspec.msgpack.encode(list(self._items.values()))


def _size_of(item: Item) -> int:
    return _BESIDE + len(item[0]) + len(item[1])
