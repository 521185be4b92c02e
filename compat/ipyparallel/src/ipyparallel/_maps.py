"""How sequences are split and joined, as `ipyparallel.client.map` has it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, islice, zip_longest
from typing import Any

_NOTHING = object()


class Map:
    """Splits a sequence into contiguous blocks."""

    def getPartition(self, seq: Any, p: int, q: int, n: int | None = None) -> Any:  # noqa: N802 (as users write it)
        """Return block `p` of `q` of the first `n` items, by default of all."""
        size, longer = divmod(len(seq) if n is None else n, q)
        start = p * size + min(p, longer)
        return _cut(seq, slice(start, start + size + (p < longer)))

    def joinPartitions(self, listOfPartitions: Sequence[Any]) -> Any:  # noqa: N802, N803 (as users write it)
        """Return the whole that these parts make."""
        if not len(listOfPartitions):
            return listOfPartitions
        if hasattr(listOfPartitions[0], "dtype"):
            import numpy as np

            return np.concatenate(listOfPartitions)
        if isinstance(listOfPartitions[0], list | tuple):
            return list(chain.from_iterable(listOfPartitions))
        return listOfPartitions


class RoundRobinMap(Map):
    """Deals out the items of a sequence in turn."""

    def getPartition(self, seq: Any, p: int, q: int, n: int | None = None) -> Any:  # noqa: N802 (as users write it)
        """Return the items whose turn it is in part `p` of `q`."""
        return _cut(seq, slice(p, len(seq) if n is None else n, q))

    def joinPartitions(self, listOfPartitions: Sequence[Any]) -> Any:  # noqa: N802, N803 (as users write it)
        """Return the whole that these parts make."""
        parts = listOfPartitions
        if not len(parts):
            return parts
        if hasattr(parts[0], "dtype"):
            whole = super().joinPartitions(parts)
            for place, part in enumerate(parts):
                whole[place :: len(parts)] = part
            return whole
        if isinstance(parts[0], list | tuple):
            turns = chain.from_iterable(zip_longest(*parts, fillvalue=_NOTHING))
            return [item for item in turns if item is not _NOTHING]
        return parts


def _cut(seq: Any, piece: slice) -> Any:
    try:
        return seq[piece]
    except TypeError:  # an iterator, or a set
        return list(islice(seq, piece.start, piece.stop, piece.step))


def mappable(obj: Any) -> bool:
    """Return whether `map` takes `obj` as a sequence: a list, a tuple or an array."""
    return isinstance(obj, list | tuple) or hasattr(obj, "dtype")


dists = {"b": Map, "r": RoundRobinMap}
"""By the value of `dist`: how rows are split."""
