"""Splitting a map into chunks."""

from __future__ import annotations

import math
from collections.abc import Iterator

_LEAST_SHARE, _LEAST_TINY_SHARE = 64, 8
"""No chunk need be smaller than this part of one engine's fair share; the second if its items are known to be tiny."""

_LEAST_WORK, _ATOM = 0.001, 1e-9
"""Seconds that a chunk of tiny items may take at least, for a chunk costs all processes together some 0.2 ms; and what
nothing takes less than."""


def cuts(count: int, places: int, chunksize: int | None, seconds: float = math.inf) -> Iterator[slice]:
    """Yield the slices that split a map over `count` items for `places` engines. `seconds`: what one item takes.

    Without a `chunksize` the first ones are large, and the later ones ever smaller: each is its share of half of
    what is left (factoring; Hummel, Schonberg and Flynn 1992, doi:10.1145/135226.135232). So all engines end at
    about the same time whatever the items cost, and a map of a million items still has few chunks.
    """
    least = max(1, count // (places * _LEAST_SHARE))
    if seconds * least < _LEAST_WORK:
        least = max(least, min(count // (places * _LEAST_TINY_SHARE), int(_LEAST_WORK / max(seconds, _ATOM))))
    start = 0
    while start < count:
        size = max(least, (count - start) // (places * 2)) if chunksize is None else chunksize
        yield slice(start, min(count, start + size))
        start += size


def blocks(count: int, places: int) -> Iterator[slice]:
    """Yield `places` contiguous slices of `count` items, whose lengths differ by at most one, the longer ones first."""
    size, longer = divmod(count, places)
    start = 0
    for place in range(places):
        stop = start + size + (place < longer)
        yield slice(start, stop)
        start = stop
