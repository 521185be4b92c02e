"""Classes that were made in a script, a notebook or a function, for another process of the same user."""

from __future__ import annotations

import pickle
from typing import Any

import cloudpickle


def pack_class(cls: type[Any]) -> bytes:
    """Return `cls` by value."""
    return bytes(cloudpickle.dumps(cls))


def unpack_class(packed: bytes) -> type[Any]:
    """Return the class that `pack_class` was given."""
    found: type[Any] = pickle.loads(packed)
    return found
