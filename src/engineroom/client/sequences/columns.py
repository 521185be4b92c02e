"""The arguments of a map as sequences of equal length that can be sliced."""

from __future__ import annotations

import array
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

_AT_ONCE = 10_000
"""Items are read in pieces of this many, so that Ctrl-C is heard between two of them."""

_CUTTABLE = frozenset({list, tuple, range, str, bytes, bytearray, array.array})


def columns_of(sequences: Sequence[Any]) -> list[Any]:
    """Return `sequences` as columns of one length, whose slices hold the items that the builtin `map` would pass.

    What cannot be cut safely is read, all of it together and only up to the end of the shortest, as `map` reads.
    TypeError: there is none, or one is not iterable.
    """
    if not sequences:
        raise TypeError("a map needs at least one sequence of items")
    if all(map(is_cuttable, sequences)):
        count = min(map(len, sequences))
        return [sequence if len(sequence) == count else sequence[:count] for sequence in sequences]
    iterated = [place for place, one in enumerate(sequences) if not is_cuttable(one)]
    if len(iterated) == 1:
        return _with_one_iterated(list(sequences), iterated[0])
    # What can be cut takes part in the reading by its length alone.
    readers = [range(len(one)) if is_cuttable(one) else iterate(one) for one in sequences]
    read: list[list[Any]] = [[] for _ in sequences]
    for piece in _pieces(zip(*readers, strict=False), None):
        for column, items in zip(read, zip(*piece, strict=True), strict=True):
            column.extend(items)
    count = len(read[0])
    return [one[:count] if is_cuttable(one) else column for one, column in zip(sequences, read, strict=True)]


def _with_one_iterated(sequences: list[Any], place: int) -> list[Any]:
    """Return the columns where only the sequence at `place` has to be read, which alone is quicker than with others."""
    shortest = min((len(one) for other, one in enumerate(sequences) if other != place), default=None)
    items, column = iterate(sequences[place]), []
    for piece in _pieces(items, shortest):
        column += piece
    if len(column) == shortest and all(len(one) > shortest for one in sequences[:place]):
        # `map` asks the sequences in turn, so it takes one item more of this one before it meets the end of another.
        next(items, None)
    sequences[place] = column
    return [one if len(one) == len(column) else one[: len(column)] for one in sequences]


def _pieces(items: Iterator[Any], limit: int | None) -> Iterator[list[Any]]:
    """Yield lists of items, at most `limit` in all."""
    wanted = _AT_ONCE if limit is None else min(limit, _AT_ONCE)
    while wanted:
        piece = list(islice(items, wanted))
        if piece:
            yield piece
        if len(piece) < wanted:
            return  # after the end nothing more is asked for: `zip` would read one item more of the first
        if limit is not None:
            limit -= wanted
            wanted = min(limit, _AT_ONCE)


def iterate(sequence: Iterable[Any]) -> Iterator[Any]:
    """Return an iterator over `sequence`, as the builtin `map` makes it."""
    try:
        return iter(sequence)
    except TypeError as error:
        raise TypeError(f"a map needs iterables of items, but got {_an(sequence)}: {error}") from None


def is_cuttable(sequence: Any) -> bool:
    """Whether the slices of `sequence` are sure to hold what iterating it gives, and can travel."""
    return type(sequence) in _CUTTABLE or _is_array(sequence)


def _is_array(value: Any) -> bool:
    # Where numpy was never imported there are no arrays, and it need not be imported to find out.
    np = sys.modules.get("numpy")
    return np is not None and type(value) is np.ndarray and value.ndim > 0


def _an(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
