"""The large buffers in functions (arrays, bytes), as parts that travel once and are shared by all functions with the
same content.

On the wire a part is a function's body of a kind of its own, with its own hash. It lies in shared memory where there is
some. Where it arrives, what was bytes is the same bytes object for all; what can be written to is mapped anew for each
time a function is unpacked: private copies, of which only pages that somebody writes to take memory.
"""

from __future__ import annotations

import mmap
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from pickle import PickleBuffer
from weakref import WeakValueDictionary

from engineroom.machine.shared_memory.pool import SHARED
from engineroom.protocol.content_hashes import content_hash
from engineroom.serialize.frames import PIECE, Buffer, check_memory
from engineroom.serialize.loading import loaded

LARGE = 1 << 20
"""Bytes from which a buffer is a part."""

KEPT = 256 << 20
"""Bytes of parts that a client keeps, so that what did not change need not be hashed again."""

MUTABLE, IMMUTABLE = 4, 5
"""The first byte of a part's body; those of functions are others."""

_HEAD = 64
"""Bytes before the content, so that arrays are aligned."""


class Part:
    """A copy of a buffer: `segments` are its body on the wire, `size` the length of that. `hash`: 16 bytes.

    `copied`: bytes of memory that it takes.
    """

    __slots__ = ("__weakref__", "_segments", "copied", "hash", "kind", "length", "source")
    stays = False
    """Whether engines keep it until they are told that it is released."""

    def __init__(self, view: memoryview) -> None:
        source = view.obj
        self.source: bytes | None = source if type(source) is bytes and len(source) == len(view) else None
        self.kind = MUTABLE if self.source is None else IMMUTABLE
        self.length = len(view)
        head = memoryview(bytes((self.kind,)).ljust(_HEAD, b"\0"))
        shared = SHARED.snapshot([head, view]) if _HEAD + self.length >= SHARED.least else None
        if shared is not None:
            self._segments = [shared[:_HEAD], shared[_HEAD:]]
        elif self.source is not None:
            self._segments = [head, view]
        else:
            check_memory(self.length)
            self._segments = [head, *(memoryview(bytearray(piece)) for piece in _cut(view))]
        self.copied = 0 if shared is None and self.source is not None else self.length
        self.hash = content_hash(self._segments, None)

    def equals(self, view: memoryview) -> bool:
        """Whether the buffer has this content still: some 15 ms for 100 MB."""
        if self.source is not None:
            return self.source is view.obj or (type(view.obj) is bytes and self.source == view.obj)
        if type(view.obj) is bytes:
            return False
        start = 0
        for piece in self._segments[1:]:
            if not _same(piece, view[start : start + len(piece)]):
                return False
            start += len(piece)
        return True

    @property
    def size(self) -> int:
        return _HEAD + self.length

    def segments(self) -> list[memoryview]:
        return self._segments


def _cut(view: memoryview) -> Iterable[memoryview]:
    return (view[start : start + PIECE] for start in range(0, len(view), PIECE))


def _same(one: memoryview, other: memoryview) -> bool:
    if type(one.obj) is bytearray:
        return one.obj == other  # of memoryviews, this would compare each byte by itself
    return loaded("engineroom.machine.shared_memory.copying").same(one, other)  # type: ignore[no-any-return]


class PartStore:
    """The parts of a client's functions: buffers of the same content are one part, as long as it is in use or kept."""

    def __init__(self, kept: int = KEPT) -> None:
        self._limit = kept
        self._alive: WeakValueDictionary[bytes, Part] = WeakValueDictionary()
        self._kept: OrderedDict[bytes, Part] = OrderedDict()
        self._bytes = 0
        self._lock = threading.RLock()  # a signal handler may submit while its thread is in here

    def part(self, buffer: PickleBuffer) -> tuple[Part, int]:
        """Return the part for a buffer's present content, and how many bytes were copied for it: 0 if it is known."""
        view = _view(buffer)
        known = [part for part in tuple(self._alive.values()) if part.length == len(view)]
        found = next((part for part in known if part.equals(view)), None)
        part = found or Part(view)
        with self._lock:
            self._alive[part.hash] = part
            self._keep(part)
        return part, part.copied if found is None else 0

    def _keep(self, part: Part) -> None:
        if part.hash in self._kept:
            self._kept.move_to_end(part.hash)
            return
        self._kept[part.hash] = part
        self._bytes += part.length
        while self._bytes > self._limit:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= oldest.length


def _view(buffer: PickleBuffer) -> memoryview:
    try:
        return buffer.raw()
    except BufferError:  # neither C- nor Fortran-contiguous
        return memoryview(bytearray(memoryview(buffer).tobytes()))


class ArrivedPart:
    """A part where it has arrived. `content()` is what a function is unpacked with.

    `mapper`: maps `body` once more, if that can be.
    """

    __slots__ = ("_bytes", "_map", "size")

    def __init__(self, body: Buffer, mapper: Callable[[], memoryview] | None = None) -> None:
        self.size = len(body)
        self._bytes = bytes(memoryview(body)[_HEAD:]) if body[0] == IMMUTABLE else None
        if self._bytes is None:
            self._map = mapper or _File(memoryview(body)).map

    def content(self) -> memoryview:
        return memoryview(self._bytes) if self._bytes is not None else self._map()[_HEAD:]


class _File:
    """Memory of this process alone that can be mapped again and again. OSError: there is none."""

    def __init__(self, view: memoryview) -> None:
        self._file, self._size = _anonymous_file(), len(view)
        while view:
            view = view[os.write(self._file, view[: 64 * PIECE]) :]

    def map(self) -> memoryview:
        return memoryview(mmap.mmap(self._file, self._size, access=mmap.ACCESS_COPY))

    def __del__(self) -> None:
        if getattr(self, "_file", -1) >= 0:
            os.close(self._file)


def part_in(body: bytes) -> Part:
    """Return the part whose body on the wire this is."""
    content = body[_HEAD:]
    return Part(memoryview(content if body[0] == IMMUTABLE else bytearray(content)))


def is_part(body: Buffer) -> bool:
    """Whether what arrived as a function is a part of some."""
    return len(body) > 0 and body[0] in {MUTABLE, IMMUTABLE}


def _anonymous_file() -> int:
    """Return a descriptor of memory; nothing of it is left when the process ends, in whatever way."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("engineroom-part", os.MFD_CLOEXEC)
    import tempfile  # only needed now; an idle engine need not hold it

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
