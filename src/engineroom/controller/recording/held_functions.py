"""The functions that recorded tasks called: needed to run these once more, when nobody else needs them any more."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable
from itertools import chain

from engineroom.controller.functions import FunctionShelf
from engineroom.core.tasks import Task
from engineroom.protocol.streams import Payload
from engineroom.store.changes import HeldFunction

_AGAIN = 30.0
"""A function is written once more after so many seconds: the store may have dropped it meanwhile."""

_MOST = 100_000

MOST_BYTES = 64 << 20
MOST_FUNCTIONS = 4096
"""Bounds of the functions that are kept in memory after the controller has dropped them."""


class HeldFunctions:
    """Finds functions: on the shelf, or among those that were on it, of which `most_bytes` are kept."""

    def __init__(self, shelf: FunctionShelf, *, most_bytes: int = MOST_BYTES) -> None:
        self._shelf, self._most_bytes = shelf, most_bytes
        self._written: OrderedDict[bytes, float] = OrderedDict()
        self._dropped: OrderedDict[bytes, HeldFunction] = OrderedDict()
        self._bytes = 0

    def dropping(self, digest: bytes) -> None:
        """The controller is about to drop this function, and the parts that no other has."""
        held = self._on_shelf(digest)
        if held is None:
            return
        for each in (held, *filter(None, map(self._on_shelf, held.function.parts or ()))):
            if each.function.hash not in self._dropped:
                self._bytes += _bytes_of(each)
            self._dropped[each.function.hash] = each
            self._dropped.move_to_end(each.function.hash)
        while self._bytes > self._most_bytes or len(self._dropped) > MOST_FUNCTIONS:
            self._bytes -= _bytes_of(self._dropped.popitem(last=False)[1])

    def get(self, digest: bytes) -> HeldFunction | None:
        """Return a function or a part of one; None: it is not in memory."""
        return self._on_shelf(digest) or self._dropped.get(digest)

    def name_of(self, digest: bytes) -> str:
        """Return what a function is called, "" if that is not known any more. From any thread."""
        held = self.get(digest)
        return "" if held is None else held.function.name

    def of(self, *tasks: Iterable[Task]) -> list[HeldFunction]:
        """Return the functions of these tasks that were not written lately."""
        now, written = time.monotonic(), self._written
        found: list[HeldFunction] = []
        for digest in {task.function.hash for task in chain(*tasks)}:
            if not digest or written.get(digest, -_AGAIN) > now - _AGAIN:
                continue
            held = self.get(digest)
            if held is None:
                continue
            found += [*filter(None, map(self.get, held.function.parts or ())), held]
            written[digest] = now
            written.move_to_end(digest)
        while len(written) > _MOST:
            written.popitem(last=False)
        return found

    def _on_shelf(self, digest: bytes) -> HeldFunction | None:
        there = self._shelf.get(digest)
        return None if there is None else HeldFunction(*there)


def _bytes_of(held: HeldFunction) -> int:
    body: bytes | Payload | object = held.function.body
    return len(body) if isinstance(body, bytes) else getattr(body, "size", 0)
