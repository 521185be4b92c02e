"""The values that a task has published, as its client reads them."""

from __future__ import annotations

from typing import Any

import msgspec

from engineroom.serialize.payloads import unpack


class Data:
    """All values that a task has published last. `number`: later ones have a higher one.

    They are unpacked once, in the thread that reads them first.
    """

    __slots__ = ("_content", "_values", "number", "size")

    def __init__(self, number: int, content: bytes) -> None:
        self.number = number
        self._content: bytes | None = content
        self._values: dict[Any, Any] = {}
        self.size = len(content)
        """Bytes that they take, packed."""

    def read(self) -> dict[Any, Any]:
        """Return a new dict of the values; in place of one that cannot be unpickled here is its error."""
        content = self._content
        if content is not None:
            self._values, self._content = _opened(content), None
        return dict(self._values)


def _opened(content: bytes) -> dict[Any, Any]:
    try:
        items = msgspec.msgpack.decode(content, type=list[tuple[bytes, bytes]])
    except msgspec.MsgspecError:
        items = []  # no engine of ours sends this
    return {_opened_here(name): _opened_here(value) for name, value in items}


def _opened_here(packed: bytes) -> Any:
    try:
        return unpack(packed)
    except Exception as error:  # noqa: BLE001 (whatever a user's class raises)
        error.add_note("This error occurred in the client while it unpickled published data.")
        return error
