"""Large data of unusual kinds, through shared memory and over the connection: they arrive as what they were."""

from __future__ import annotations

import array
import os
from typing import Any

import numpy as np
import pytest

from engineroom import Client
from tests.patience import SECONDS
from tests.system.held_tasks import Mark, wait_for_file

SIZE = 300_000
"""Enough for shared memory."""


@pytest.fixture
def rc(rc_either_way: Client) -> Client:
    return rc_either_way


class Tagged(np.ndarray):
    """An array of a class of this module's own."""


class Blob(bytes):
    """The same of bytes."""


def fixed(values: Any) -> Any:
    values.flags.writeable = False
    return values


ARRAYS: dict[str, Any] = {
    "in Fortran order": np.asfortranarray(np.random.default_rng(1).random((600, 500))),
    "with gaps": np.arange(2 * SIZE, dtype=float)[::2],
    "backwards": np.arange(SIZE)[::-1],
    "a column": np.arange(SIZE * 3).reshape(SIZE, 3)[:, 1],
    "structured": np.ones(SIZE, [("number", "<i4"), ("text", "U3"), ("pair", "f8", (2,))]),
    "of records": np.rec.array(np.ones(SIZE, [("a", "i4"), ("b", "f8")])),
    "big-endian": np.arange(SIZE, dtype=">f8"),
    "of dates": np.arange(SIZE).astype("M8[s]"),
    "of text": np.array(["äbc"] * SIZE),
    "of objects": np.array([{"a": 1}, [2], "three", None] * 20_000, dtype=object),
    "without elements": np.zeros((0, SIZE), np.float32),
    "without dimensions": np.array(2.5),
    "repeated": np.broadcast_to(np.arange(1000.0), (300, 1000)),
    "that cannot be written": fixed(np.ones(SIZE)),
    "of a subclass": np.arange(SIZE).view(Tagged),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_arrays(rc: Client, kind: str) -> None:
    data = ARRAYS[kind]
    for back in (rc[0].apply_sync(lambda its: its, data), rc[0].apply_sync(lambda its: [its, its], data)[1]):
        assert type(back) is type(data)
        assert (back.dtype, back.shape) == (data.dtype, data.shape)
        assert back.flags.f_contiguous == data.flags.f_contiguous or not data.flags.forc
        assert np.array_equal(back, data)


def test_arrays_can_be_written_where_they_arrive_unless_they_could_not_be_before(rc: Client) -> None:
    def writes(its: Any) -> bool:
        if its.flags.writeable:
            its[:] = its[0]
        return bool(its.flags.writeable)

    for kind in ("in Fortran order", "with gaps", "structured", "of objects", "of a subclass"):
        assert rc[:].apply_sync(writes, ARRAYS[kind]) == [True, True], kind
    assert rc[:].apply_sync(writes, ARRAYS["that cannot be written"]) == [False, False]


def test_masked_arrays(rc: Client) -> None:
    data: Any = np.ma.masked_array(np.arange(SIZE), mask=np.arange(SIZE) % 3 == 0, fill_value=-1)
    back: Any = rc[0].apply_sync(lambda its: its, data)
    assert np.array_equal(back.mask, data.mask)
    assert np.array_equal(back.filled(), data.filled())


def test_other_buffers(rc: Client) -> None:
    numbers, raw = array.array("d", range(SIZE)), bytearray(os.urandom(SIZE))
    views = [memoryview(raw), memoryview(raw)[::3], memoryview(numbers), memoryview(np.ones((600, 500)))]
    back = rc[0].apply_sync(lambda its: its, [numbers, raw, Blob(raw), *views])
    assert back[:2] == [numbers, raw]
    assert [type(each) for each in back[:3]] == [array.array, bytearray, Blob]
    for view, its in zip(views, back[3:], strict=True):
        assert (its.format, its.shape, its.tobytes()) == (view.format, view.shape, view.tobytes())


def test_what_is_there_twice_is_there_once(rc: Client) -> None:
    data, raw = np.ones(SIZE), bytearray(SIZE)
    assert rc[0].apply_sync(lambda x, y, *, z: x is y and x is z["deep"][0], data, data, z={"deep": [data]})
    assert rc[0].apply_sync(lambda x, y, *, z: x is y and x is z["deep"][0], raw, raw, z={"deep": [raw]})
    one, other = rc[0].apply_sync(lambda its: (its, its), data)
    assert one is other


def test_a_call_with_ten_thousand_arrays(rc: Client) -> None:
    arrays = [np.full(64, number) for number in range(10_000)]
    back = rc[0].apply_sync(lambda *its: [each + 1 for each in its], *arrays)
    assert [int(each[-1]) for each in back] == list(range(1, 10_001))


@pytest.mark.parametrize("kind", [bytearray, np.array, memoryview])
def test_a_call_is_a_snapshot(rc: Client, kind: Any, mark: Mark) -> None:
    raw = bytearray(b"\1" * 20_000_000)
    data = kind(raw) if kind is not np.array else np.frombuffer(raw, np.uint8)
    held = rc[0].apply_async(wait_for_file, str(mark))
    calls = [rc[0].apply_async(lambda its: (its[0], its[-1], bytes(its).count(1)), data) for _ in range(2)]
    target = data if kind is bytearray else raw
    target[:] = b"\2" * len(raw)
    mark.set()
    assert [call.get(SECONDS) for call in calls] == [(1, 1, len(raw))] * 2
    assert held.get(SECONDS) == ""


def test_without_a_copy_it_may_be_changed_once_it_was_sent(rc: Client) -> None:
    data = np.ones(20_000_000, np.uint8)
    view = rc[0]
    view.track = True
    call = view.apply_async(lambda its: int(its.sum()), data)
    call.wait_for_send(SECONDS)
    assert call.sent
    data[:] = 2
    assert call.get(SECONDS) == 20_000_000
