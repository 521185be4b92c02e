"""What the workers are given to do with arrays: importable by all of them, and by the peers' workers too."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

PAGE = 4096

Array = np.ndarray[Any, np.dtype[np.uint8]]

_held: dict[str, Array] = {}


def ones(size: int) -> Array:
    return np.ones(size, dtype=np.uint8)


def joined(parts: list[Array]) -> Array:
    return np.concatenate(parts)


def read_pages(array: Array) -> int:
    """Read something of every page of `array`."""
    return int(array[::PAGE].sum())


def hold(size: int) -> None:
    """Keep an array in this process."""
    _held["array"] = ones(size)


def held() -> Array:
    """Return the array that is kept."""
    return _held["array"]


def read_pushed(name: str) -> int:
    """Read every page of an array that was pushed."""
    return read_pages(vars(sys.modules["__main__"])[name])
