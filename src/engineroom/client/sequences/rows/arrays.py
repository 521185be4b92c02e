"""Rows of numpy arrays and their subclasses."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from engineroom.client.sequences.rows.kind import loaded
from engineroom.machine.large_blocks import BLOCKS, LEAST
from engineroom.machine.shared_memory.side_by_side import JOINED, Piece

_NUMBERS = frozenset("biufc")


class ArrayRows:
    """Arrays of at least one dimension. Joined they keep mask, subclass, byte order and every value."""

    def count(self, whole: Any) -> int:
        return len(whole)

    def cut(self, whole: Any, which: slice) -> Any:
        part = whole[which]
        # numpy forgets the byte order of what is not contiguous when it pickles it.
        return part if part.flags.forc else part.copy()

    def join(self, parts: Sequence[Any]) -> Any:
        # An empty part often comes from nowhere, as np.array([]) does: its dtype and shape say little.
        filled = [part for part in parts if len(part)] or [max(parts, key=lambda part: part.ndim)]
        if len({part.shape[1:] for part in filled}) > 1:
            return list(chain.from_iterable(parts))  # no array has rows of several shapes
        np = loaded("numpy")
        if any(isinstance(part, np.ma.MaskedArray) for part in filled):
            return _join_masked(np, filled)
        kinds = {type(part) for part in filled}
        kind = kinds.pop() if len(kinds) == 1 else np.ndarray
        if kind in {np.ndarray, np.memmap} or (hasattr(kind, "__array_function__") and _is_own(np, kind)):
            return _concatenate(np, filled)
        whole = _concatenate(np, [part.view(np.ndarray) for part in filled]).view(kind)
        whole.__array_finalize__(filled[0])
        return whole

    def take(self, whole: Any, order: Sequence[int]) -> Any:
        return whole[loaded("numpy").asarray(order, dtype=int)]


def _is_own(np: Any, kind: type) -> bool:
    """Whether a subclass has its own ways to be concatenated, as arrays with units have."""
    return kind.__array_function__ is not np.ndarray.__array_function__  # type: ignore[attr-defined]


def _concatenate(np: Any, parts: Sequence[Any]) -> Any:
    """Return one array whose dtype holds every value of all parts exactly: in the end, `object`."""
    parts = [np.asarray(part) if type(part) is np.memmap else part for part in parts]
    dtypes = {part.dtype for part in parts}
    if len(dtypes) == 1:
        whole = _without_new_memory(np, parts)
        if whole is not None:
            return whole
        return np.concatenate(parts, dtype=parts[0].dtype)  # without it the byte order would change
    kinds = {dtype.kind for dtype in dtypes}
    if len(kinds) == 1 or kinds <= _NUMBERS:
        try:
            whole = np.concatenate(parts)
        except (TypeError, ValueError, OverflowError):  # structured ones that differ, for example
            pass
        else:
            if _holds(np, whole, parts):
                return whole
    return _of_objects(np, parts)


def _without_new_memory(np: Any, parts: Sequence[Any]) -> Any:
    """Return all rows, where they are mapped or in memory that was used before; None: that can not be."""
    dtype, shape = parts[0].dtype, (sum(map(len, parts)), *parts[0].shape[1:])
    size = sum(part.nbytes for part in parts)
    if size < LEAST or dtype.hasobject:
        return None
    if not all(type(part) is np.ndarray and part.flags.c_contiguous for part in parts):
        return None
    place = JOINED.join([Piece(part.ctypes.data, part.nbytes) for part in parts])
    if place is None:
        place = BLOCKS.take(size)
        if place is None:
            return None
        from engineroom.machine.shared_memory.copying import join  # with ctypes, which takes 8 ms

        join(place, [part.reshape(-1).view(np.uint8).data for part in parts])
    return np.ndarray(shape, dtype, place)


def _holds(np: Any, whole: Any, parts: Sequence[Any]) -> bool:
    """Whether the parts come out of `whole` as they went in."""
    start = 0
    with np.errstate(all="ignore"):
        for part in parts:
            there = whole[start : start + len(part)]
            start += len(part)
            if part.dtype.kind == "b" and whole.dtype.kind != "b":
                return False  # True is not 1
            if part.dtype != whole.dtype and not np.array_equal(
                there.astype(part.dtype), part, equal_nan=part.dtype.kind in "fc"
            ):
                return False
    return True


def _of_objects(np: Any, parts: Sequence[Any]) -> Any:
    whole = np.empty((sum(map(len, parts)), *parts[0].shape[1:]), dtype=object)
    start = 0
    for part in parts:
        for number, item in enumerate(part if part.ndim == 1 else part.reshape(len(part), -1)):
            if part.ndim == 1:
                whole[start + number] = item
            else:
                row = np.empty(len(item), dtype=object)
                row[:] = list(item)
                whole[start + number] = row.reshape(part.shape[1:])
        start += len(part)
    return whole


def _join_masked(np: Any, parts: Sequence[Any]) -> Any:
    data = _concatenate(np, [np.ma.getdata(part) for part in parts])
    mask: Any = np.ma.nomask
    if any(np.ma.getmask(part) is not np.ma.nomask for part in parts):
        masks = [np.ma.getmaskarray(part) for part in parts]
        if data.dtype.names is None and any(each.dtype.names for each in masks):
            return list(chain.from_iterable(parts))  # the parts have a mask for each field, the whole has no fields
        mask = np.concatenate(masks)
    first = next(part for part in parts if isinstance(part, np.ma.MaskedArray))
    whole = np.ma.array(data, mask=mask, hard_mask=first._hardmask)
    same = all(np.array_equal(np.ma.asanyarray(part).fill_value, first.fill_value) for part in parts)
    if same and whole.dtype == first.dtype:
        whole.fill_value = first.fill_value
    kind = type(first)
    return whole if kind is np.ma.MaskedArray else whole.view(kind)
