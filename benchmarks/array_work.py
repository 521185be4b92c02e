"""What the workers are given to do with arrays: importable by all of them, and by the peers' workers too."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

PAGE = 4096

Array = np.ndarray[Any, np.dtype[np.uint8]]

_held: dict[int, Array] = {}


def ones(size: int) -> Array:
    return np.ones(size, dtype=np.uint8)


def joined(parts: list[Array]) -> Array:
    return np.concatenate(parts)


def read_pages(array: Array) -> int:
    """Read something of every page of `array`."""
    return int(array[::PAGE].sum())


def held(size: int) -> Array:
    """Return the array of this size that this process keeps; the first call makes it."""
    if size not in _held:
        _held[size] = ones(size)
    return _held[size]


def read_pushed(name: str) -> int:
    """Read every page of an array that was pushed."""
    return read_pages(vars(sys.modules["__main__"])[name])
