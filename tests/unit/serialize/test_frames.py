"""A pickle and any buffers behind it, laid out and split again."""

from pickle import PickleBuffer, dumps

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engineroom.protocol.messages import INLINE_LIMIT
from engineroom.serialize.frames import PIECE, lay_out, split
from engineroom.serialize.payloads import pack, unpack
from tests.unit.serialize.conftest import joined

SIZES = (
    st.sampled_from([0, 0, 0, 1, 63, 64, 65, 127, 128])
    | st.integers(0, 300)
    | st.integers(INLINE_LIMIT - 400, INLINE_LIMIT + 400)
    | st.integers(PIECE - 2, PIECE + 2)
)
KINDS = st.sampled_from([bytes, bytearray, memoryview, "reversed", "Fortran"])


def buffer(kind, size):
    """Return a buffer with about `size` bytes, all different for a while."""
    data = (bytes(range(251)) * (size // 251 + 1))[:size]
    if kind == "reversed":
        return np.frombuffer(data, "u1")[::-1]  # not contiguous in any order
    if kind == "Fortran":
        return np.asfortranarray(np.frombuffer(data[: size // 2 * 2], "u1").reshape(2, -1))
    return kind(data)


def bytes_in(value):
    return np.asarray(value).tobytes("A") if isinstance(value, np.ndarray) else bytes(value)


@given(SIZES, st.lists(st.tuples(KINDS, SIZES), max_size=8), st.booleans())
def test_any_layout_is_split_into_what_was_laid_out(length, kinds, copy):
    pickle = b"\x80" + bytes(length)
    buffers = [buffer(*each) for each in kinds]
    body = lay_out(pickle, [PickleBuffer(each) for each in buffers], copy=copy)
    packed = joined(body)
    assert (type(body) is bytes) == (len(packed) <= INLINE_LIMIT)
    first, rest = split(packed)
    assert bytes(first) == pickle
    assert [bytes(each) for each in rest] == [bytes_in(each) for each in buffers]


@given(SIZES, st.lists(SIZES, min_size=1, max_size=8))
def test_each_frame_begins_at_a_multiple_of_64_bytes(length, sizes):
    packed = joined(lay_out(b"\x80" + bytes(length), [PickleBuffer(bytes(size)) for size in sizes], copy=True))
    whole = np.frombuffer(packed, "u1")
    _, frames = split(packed)
    starts = [np.frombuffer(frame, "u1").ctypes.data - whole.ctypes.data for frame in frames if frame]
    assert all(start % 64 == 0 for start in starts)


@pytest.mark.parametrize("length", [1, 4000, 4096, 100_000])
@pytest.mark.parametrize("sizes", [[4 << 20], [5 << 20, 1, 4 << 20]])
def test_a_long_first_buffer_begins_with_a_page(length, sizes):
    pickle = dumps("x" * length, 5)
    packed = joined(lay_out(pickle, [PickleBuffer(buffer(bytes, size)) for size in sizes], copy=True))
    first, rest = split(packed)
    assert unpack(first) == "x" * length
    assert [len(each) for each in rest] == sizes
    assert bytes(rest[0]) == buffer(bytes, sizes[0])
    starts = [np.frombuffer(each, "u1").ctypes.data for each in (packed, rest[0])]
    assert (starts[1] - starts[0]) % 4096 == 0


@given(st.lists(st.integers(0, 3) | st.just(0), max_size=12), st.booleans())
def test_values_with_empty_arrays_anywhere(sizes, copy):
    value = [np.arange(size, dtype="f8") for size in sizes]
    back = unpack(joined(pack((value, {"more": value[::-1]}), copy=copy)))
    assert [each.tolist() for each in back[0]] == [each.tolist() for each in value]


@pytest.mark.parametrize("size", [0, 1, 100_000])
def test_empty_buffers_before_and_behind_another(size):
    value = [np.array([]), bytearray(size), np.arange(size), np.zeros((0, 3)), memoryview(b"")]
    back = unpack(joined(pack(value)))
    assert repr(back[:4]) == repr(value[:4])
    assert back[4].nbytes == 0
