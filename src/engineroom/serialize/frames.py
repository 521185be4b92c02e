"""How packed bytes are laid out.

A pickle without buffers is its own packed form: its first byte is 0x80. With buffers (arrays, large bytes)
the packed form begins with 0x01, the number of frames and their sizes; then come the frames, the pickle
first, each at a multiple of 64 bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pickle import PickleBuffer

from engineroom.errors import ProtocolError
from engineroom.machine.shared_memory.pool import SHARED
from engineroom.machine.shared_memory.scarce import NO_MEMORY, has_memory
from engineroom.protocol.messages import INLINE_LIMIT

Packed = bytes | list[memoryview]
"""What is packed: `bytes` up to INLINE_LIMIT, memoryviews to be sent one after the other above."""

Buffer = bytes | bytearray | memoryview

PIECE = 1 << 20
"""Memory is copied in pieces of this size, so that other threads run in between."""

FRAMED = 1
_ALIGN = 64
_LONG, _PAGE = 4 << 20, 4096
"""A first buffer of this length begins with a page: where it begins like that, it is copied soonest."""

_HEAD = struct.Struct("<B3xI")
_PADDING = bytes(_ALIGN)


def lay_out(pickle: bytes, buffers: Sequence[PickleBuffer], *, copy: bool) -> Packed:
    """Return the packed form of a pickle and its out-of-band buffers.

    With `copy` nothing of it lies in memory that can still change; without, long buffers are views.
    """
    if not buffers:
        if len(pickle) <= INLINE_LIMIT:
            return pickle
        segments = [memoryview(pickle)]
        return (_shared(segments, 0) if len(pickle) >= SHARED.least else None) or segments
    views = [_bytes_of(buffer) for buffer in buffers]
    head = _head(pickle, views)
    end = len(head)
    segments = [memoryview(head)]
    for view in views:
        if padding := -end % _ALIGN:
            segments.append(memoryview(_PADDING)[:padding])
        if view:  # an empty buffer adds no segment, but it begins at a multiple, too
            segments.append(view)
        end += padding + len(view)
    if end <= INLINE_LIMIT:
        return b"".join(segments)
    if end >= SHARED.least and (shared := _shared(segments, len(head))) is not None:
        return shared
    return _copied(segments, end) if copy else segments


def _copied(segments: Sequence[memoryview], size: int) -> list[memoryview]:
    check_memory(size)
    return [piece for segment in segments for piece in _snapshot(segment)]


def check_memory(size: int) -> None:
    """MemoryError: there is no memory for a copy of `size` bytes; to make it could kill this process."""
    if not has_memory(size):
        raise MemoryError(NO_MEMORY.format(size))


def _head(pickle: bytes, views: Sequence[memoryview]) -> bytes:
    """Return all that lies before the first buffer, up to the end of the pickle."""
    count = 1 + len(views)
    start = _HEAD.size + 8 * count
    padding = -start % _ALIGN
    if len(views[0]) >= _LONG:
        pickle += bytes(-(start + padding + len(pickle)) % _PAGE)  # nobody reads that
    sizes = struct.pack(f"<{count}Q", len(pickle), *map(len, views))
    return b"".join((_HEAD.pack(FRAMED, count), sizes, _PADDING[:padding], pickle))


def _shared(segments: Sequence[memoryview], cut: int) -> list[memoryview] | None:
    """Return a copy in shared memory, cut in two (0: in one piece); None: there is no room for it."""
    view = SHARED.snapshot(segments)
    if view is None:
        return None
    return [view[:cut], view[cut:]] if cut else [view]


def split(packed: Buffer) -> tuple[memoryview | Buffer, list[memoryview]]:
    """Return the pickle and the buffers in `packed`: views of it, writable if it is, else of a copy."""
    if packed[0] != FRAMED:
        return packed, []
    view = memoryview(packed)
    return _split(memoryview(bytearray(view)) if view.readonly else view)


def split_to_read(packed: Buffer) -> tuple[memoryview, list[memoryview]]:
    """Return the pickle and the buffers in `packed`, which has some: views of it that cannot be written to."""
    return _split(memoryview(packed).toreadonly())


def _split(view: memoryview) -> tuple[memoryview, list[memoryview]]:
    try:
        _, count = _HEAD.unpack_from(view)
        sizes = struct.unpack_from(f"<{count}Q", view, _HEAD.size)
    except struct.error as error:
        raise ProtocolError(f"a packed value has an invalid header: {error}") from error
    frames = []
    start = _HEAD.size + 8 * count
    for size in sizes:
        start += -start % _ALIGN
        frames.append(view[start : start + size])
        start += size
    if not frames or start != len(view):
        raise ProtocolError(f"a packed value should have {start} bytes, but has {len(view)}")
    return frames[0], frames[1:]


def pickle_in(packed: Packed) -> Buffer:
    """Return the pickle of what `lay_out` returned, and perhaps more behind it."""
    first: Buffer = packed if isinstance(packed, bytes) else packed[0]
    if not first or first[0] != FRAMED:
        return first
    _, count = _HEAD.unpack_from(first)
    start = _HEAD.size + 8 * count
    return memoryview(first)[start + -start % _ALIGN :]


def _bytes_of(buffer: PickleBuffer) -> memoryview:
    try:
        return buffer.raw()
    except BufferError:  # neither C- nor Fortran-contiguous
        return memoryview(memoryview(buffer).tobytes())


def _snapshot(view: memoryview) -> Iterator[memoryview]:
    if type(view.obj) is bytes:  # can't change anyway
        yield view
        return
    for start in range(0, len(view), PIECE):
        yield memoryview(bytes(view[start : start + PIECE]))
