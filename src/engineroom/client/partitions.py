"""Cutting sequences into parts, and joining what was made of the parts."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, Protocol


class Distribution(Protocol):
    """A way to spread a sequence over `count` places."""

    def part(self, sequence: Any, place: int, count: int) -> Any:
        """Return what place number `place` of `count` gets."""

    def join(self, parts: Sequence[Any]) -> Any:
        """Return the whole, made of the parts in order of places: an array of arrays, else a list."""


class Block:
    """Contiguous parts, whose lengths differ by at most one; the longer ones come first."""

    def part(self, sequence: Any, place: int, count: int) -> Any:
        size, longer = divmod(len(sequence), count)
        start = place * size + min(place, longer)
        return sequence[start : start + size + (place < longer)]

    def join(self, parts: Sequence[Any]) -> Any:
        if parts and all(map(is_array, parts)):
            return _numpy().concatenate(parts)
        if all(map(_is_sequence, parts)):
            return list(chain.from_iterable(parts))
        return list(parts)


class RoundRobin:
    """One item to each place in turn."""

    def part(self, sequence: Any, place: int, count: int) -> Any:
        return sequence[place::count]

    def join(self, parts: Sequence[Any]) -> Any:
        if parts and all(map(is_array, parts)):
            whole = _numpy().empty((sum(map(len, parts)), *parts[0].shape[1:]), dtype=parts[0].dtype)
            for place, part in enumerate(parts):
                whole[place :: len(parts)] = part
            return whole
        if all(map(_is_sequence, parts)):
            whole = [None] * sum(map(len, parts))
            for place, part in enumerate(parts):
                whole[place :: len(parts)] = part
            return whole
        return list(parts)


DISTRIBUTIONS: dict[str, Distribution] = {"b": Block(), "r": RoundRobin()}


def distribution(name: str) -> Distribution:
    """Return the distribution that users call `name`."""
    try:
        return DISTRIBUTIONS[name]
    except KeyError:
        raise ValueError(f"dist is {name!r}; it may be 'b' (blocks) or 'r' (round robin)") from None


def sliceable(sequence: Iterable[Any]) -> Any:
    """Return `sequence` itself if it can be cut, else a list of its items."""
    if hasattr(sequence, "__len__") and hasattr(sequence, "__getitem__") and not hasattr(sequence, "keys"):
        return sequence
    return list(sequence)


def is_array(value: Any) -> bool:
    # Where numpy was never imported there are no arrays, and it need not be imported to find out.
    np = sys.modules.get("numpy")
    return np is not None and isinstance(value, np.ndarray)


def _numpy() -> Any:
    import numpy as np  # not a dependency; who has arrays has it

    return np


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
