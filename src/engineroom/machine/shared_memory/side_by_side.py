"""What lies in several segments as one piece of memory: mapped side by side, and not copied.

It is private and writable as any mapping is. To write to all of it takes ten times as long as to copy it would have
taken: each page is copied by a fault. So after one that was written, the next ones are left to be copied.
"""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Sequence
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

from engineroom.machine.large_blocks import private
from engineroom.machine.shared_memory.kept import Key, Mapped
from engineroom.machine.shared_memory.mapped import MAPPINGS, Look, Mappings

_MOST = 2
"""So many at a time: their segments are not written again meanwhile, and to make others takes longer than to copy."""

_MOST_KEPT = 32
"""So many are kept while nothing looks at them, and no more bytes than may be looked at: they take address space."""

_PAUSE, _LONGEST_PAUSE = 32, 1024
"""So many are left to be copied after one that was written; twice as many after the next, and so on."""

_FIXED = 0x10
_MOVE = 1 | 2 | 4
"""MREMAP_MAYMOVE, MREMAP_FIXED and, since Linux 5.13 for such memory, MREMAP_DONTUNMAP."""


class Piece(NamedTuple):
    """Some memory of this process that somebody looks at."""

    start: int
    size: int


class _Place(NamedTuple):
    """Where a piece lies: at `offset` in the segment that `look` maps, which stays mapped with `whole`."""

    look: Look
    whole: Any
    offset: int
    size: int

    @property
    def key(self) -> Key:
        return *self.look.mapped.key, self.offset, self.size


class SideBySide:
    """Maps pieces side by side, with the memory of `mappings`. For any thread.

    `most`: bytes that all may have at a time; 0: none is mapped.
    """

    def __init__(self, mappings: Mappings) -> None:
        self.most = 0
        self._mappings = mappings
        self._pause = self._left = 0

    def join(self, pieces: Sequence[Piece]) -> memoryview | None:
        """Return the content of `pieces`, one after the other; None: it had better be copied.

        Each is looked at by the caller until this returns. All of them but the last have to be whole pages, and what
        lies in their segments must not have been written to here.
        """
        if not self._is_worth_it(sum(piece.size for piece in pieces)):
            return None
        places = self._places(pieces)
        if places is None:
            return None
        key = tuple(chain.from_iterable(place.key for place in places))
        try:
            mapped = self._mapped(key, places)
        except (OSError, MemoryError):  # there is no address space, or the segments are out of reach
            return None
        # With it goes, at last, what tells the owners of the segments that nothing looks at them.
        return self._mappings.look(mapped, partial(self._gone, key, [place.whole for place in places]))

    def _is_worth_it(self, size: int) -> bool:
        if self._left:
            self._left -= 1
            return False
        there = [look.mapped.size for look in self._mappings.looks() if type(look.mapped) is _Joined]
        return size > 0 and len(there) < _MOST and sum(there) + size <= self.most

    def _places(self, pieces: Sequence[Piece]) -> list[_Place] | None:
        """Return where the pieces lie; None: not in segments, or not so that they can be mapped side by side."""
        *others, _ = [piece.size for piece in pieces]
        if any(bound % mmap.PAGESIZE for bound in (*others, *(piece.start for piece in pieces))):
            return None
        looks = [look for look in self._mappings.looks() if look.reopen is not None and not look.spoiled]
        places = [next(filter(None, (_place_in(look, piece) for look in looks)), None) for piece in pieces]
        found = [place for place in places if place is not None and place.look.mapped.is_clean()]
        return found if len(found) == len(pieces) else None

    def _mapped(self, key: Key, places: Sequence[_Place]) -> _Joined:
        """Return the content of `places` mapped side by side. OSError: it can't be had."""
        kept = self._mappings.kept.take(key, 0)
        joined = kept if isinstance(kept, _Joined) else _reserved(key, places)
        at = 0
        for place in places:
            if joined.ready.get(place.key) != at and not self._moved(joined, at, place):
                _map_over(joined.start + at, place)
            joined.ready[place.key] = at
            at += place.size
        return joined

    def _moved(self, joined: _Joined, at: int, place: _Place) -> bool:
        """Return whether `place` was ready in what is kept, and is in `joined` now."""
        kept = self._mappings.kept
        giver = kept.take_one(lambda mapped: isinstance(mapped, _Joined) and place.key in mapped.ready)
        if giver is None:
            return False
        assert isinstance(giver, _Joined)
        moved = _move(giver.start + giver.ready.pop(place.key), joined.start + at, place.size)
        if giver.ready:
            kept.keep(giver, time.monotonic())
        return moved

    def _gone(self, key: Key, wholes: list[Any], spoiled: bool) -> None:  # noqa: FBT001 (it is all that is told)
        del wholes, spoiled
        kept = self._mappings.kept
        if key in kept:
            self._pause = 0
            kept.thin(_Joined, _MOST_KEPT, self.most)
        elif self.most:
            self._left = self._pause = min(max(_PAUSE, 2 * self._pause), _LONGEST_PAUSE)


class _Joined(Mapped):
    """What is mapped side by side. `ready`: where each piece begins that is not ready in another, by its place.

    It is ready once its pages were looked up, which takes longest of all. So pieces move, with their pages, from what
    is kept to where they are needed: segments come in another company each time.
    """

    def __init__(self, key: Key, inodes: frozenset[int], mapping: mmap.mmap, size: int) -> None:
        super().__init__(key, inodes, mapping, size)
        self.ready: dict[Key, int] = {}


def _place_in(look: Look, piece: Piece) -> _Place | None:
    """Return where `piece` lies in what is looked at; None: not there."""
    mapped = look.mapped
    offset = piece.start - mapped.start
    whole = look()
    if whole is None or not 0 <= offset <= offset + piece.size <= mapped.size:
        return None
    return _Place(look, whole, offset, piece.size)


def _reserved(key: Key, places: Sequence[_Place]) -> _Joined:
    """Return address space for `places`; what is mapped over it goes with it. OSError: there is none."""
    inodes = frozenset(chain.from_iterable(place.look.mapped.inodes for place in places))
    size = sum(place.size for place in places)
    joined = _Joined(key, inodes, private(size), size)
    joined.whole()  # tells where it begins
    return joined


def _map_over(at: int, place: _Place) -> None:
    """Map a place privately at an address, instead of what is mapped there. OSError: it can't be had."""
    import ctypes  # takes 8 ms, and only large data need it

    act = ctypes.CDLL(None, use_errno=True).mmap
    act.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)
    act.restype = ctypes.c_void_p
    protection, kind = mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | _FIXED
    assert place.look.reopen is not None
    descriptor = place.look.reopen()
    try:
        if act(at, place.size, protection, kind, descriptor, place.offset) != at:
            raise OSError(ctypes.get_errno(), "memory can't be mapped side by side")
    finally:
        os.close(descriptor)


def _move(start: int, target: int, size: int) -> bool:
    """Have what is mapped at `start`, with its pages, at `target`; `start` shows the same. False: it can't be."""
    import ctypes  # as above

    act = ctypes.CDLL(None).mremap
    act.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int, ctypes.c_void_p)
    act.restype = ctypes.c_void_p
    moved: bool = act(start, size, size, _MOVE, target) == target
    return moved


JOINED = SideBySide(MAPPINGS)
"""What this process has mapped side by side."""
