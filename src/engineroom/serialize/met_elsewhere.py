"""Whether objects are referred to from places of a value that were not searched: they would be two where it arrives."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Collection
from typing import Any

_WRAPPER = "engineroom.serialize.buffers"
_ATOMS = frozenset({bool, int, float, complex, str, bytes, type(None)})


def met_elsewhere(objects: Collection[int], value: Any, depth: int, many: int) -> bool:
    """Return whether any of `objects`, by id, is a part of `value` itself; True also if that can't be found out.

    Containers in `value` were searched `depth` deep, if they have up to `many` items.
    """
    if _is_plain(value, depth, many):
        return False
    watch = _Watch(objects)
    try:
        watch.dump(value)
    except Exception:  # noqa: BLE001 -- what plain pickle refuses, in whatever way, travels by value
        return True
    return watch.met


def _is_plain(value: Any, depth: int, many: int) -> bool:
    """Return whether nothing is in `value` but what was searched, and what refers to nothing."""
    kind = type(value)
    if kind is tuple or kind is list or kind is dict:
        items = [*value, *value.values()] if kind is dict else value
        return depth >= 0 and len(value) <= many and all(_is_plain(item, depth - 1, many) for item in items)
    return kind in _ATOMS or kind.__module__ == _WRAPPER or _is_array(value)


def _is_array(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and type(value) is numpy.ndarray and not value.dtype.hasobject


class _Nowhere:
    """A file that keeps nothing."""

    def write(self, data: Any) -> int:
        return len(data)


class _Watch(pickle.Pickler):
    def __init__(self, objects: Collection[int]) -> None:
        super().__init__(_Nowhere(), 5, buffer_callback=lambda _: None)
        self._objects = objects
        self.met = False

    def persistent_id(self, obj: Any) -> None:
        self.met = self.met or id(obj) in self._objects
