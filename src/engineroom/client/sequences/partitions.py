"""Splitting the rows of a value over engines, and joining the parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import accumulate, chain
from typing import Any, Protocol

from engineroom.client.sequences.chunks import blocks
from engineroom.client.sequences.columns import columns_of, iterate
from engineroom.client.sequences.rows.kind import CannotJoin, Rows, loaded
from engineroom.client.sequences.rows.kinds import kind_of
from engineroom.client.sequences.rows.plain import SequenceRows
from engineroom.client.sequences.rows.tables import FrameRows
from engineroom.errors import PackError
from engineroom.protocol.streams import Packed
from engineroom.serialize.payloads import pack_names

_MANY = 100


class Distribution(Protocol):
    """A way to split rows over places."""

    def cuts(self, count: int, places: int) -> list[slice]:
        """Return which of `count` rows each place gets."""

    def join(self, parts: Sequence[Any]) -> Any:
        """Return the whole, made of the parts in order of places; see `joined`."""


class Block:
    """Contiguous parts, whose lengths differ by at most one; the longer ones come first."""

    def cuts(self, count: int, places: int) -> list[slice]:
        return list(blocks(count, places))

    def join(self, parts: Sequence[Any]) -> Any:
        whole, _ = joined(parts)
        return _finished(whole, kind_of(whole))


class RoundRobin:
    """Rows go to the places in turn."""

    def cuts(self, count: int, places: int) -> list[slice]:
        return [slice(place, count, places) for place in range(places)]

    def join(self, parts: Sequence[Any]) -> Any:
        whole, counts = joined(parts)
        rows = kind_of(whole)
        if rows is not None and max(counts, default=0) > 1:
            interleaved = _interleaved(whole, counts)
            whole = rows.take(whole, in_turn(counts)) if interleaved is None else interleaved
        return _finished(whole, rows)


def _finished(whole: Any, rows: Rows | None) -> Any:
    return rows.finish(whole) if isinstance(rows, FrameRows) else whole


DISTRIBUTIONS: dict[str, Distribution] = {"b": Block(), "r": RoundRobin()}


def distribution(name: str) -> Distribution:
    """Return the distribution with the public name `name`."""
    try:
        return DISTRIBUTIONS[name]
    except KeyError:
        raise ValueError(f"dist must be 'b' (blocks) or 'r' (round robin), not {name!r}") from None


def with_rows(value: Any) -> tuple[Any, Rows]:
    """Return `value`, or the list of its items, and how that is cut into parts; TypeError: it has no rows."""
    found = _as_it_is(value)
    if found is not None:
        return found
    try:
        iterate(value)
    except TypeError as error:
        why = str(error).partition("\n")[0]
        raise TypeError(f"{type(value).__name__} has no rows to scatter ({why}); to send it whole, use push") from None
    return columns_of([value])[0], SequenceRows()


def rows_together(values: Sequence[Any]) -> tuple[list[tuple[Any, Rows]], int]:
    """Return values as `with_rows` does, and how many rows count: as many as the shortest has."""
    found = [_as_it_is(value) for value in values]
    counts = [each[1].count(each[0]) for each in found if each is not None]
    others = [value for value, each in zip(values, found, strict=True) if each is None]
    limit = [range(min(counts))] if counts else []
    shortest, *read = columns_of([*limit, *others]) if limit else [None, *columns_of(others)]
    lists = iter(read)
    together = [(next(lists), SequenceRows()) if each is None else each for each in found]
    return together, len(shortest if shortest is not None else read[0])


def _as_it_is(value: Any) -> tuple[Any, Rows] | None:
    """Return `value` and how it is cut, if it can be."""
    if isinstance(value, memoryview):
        value = value.tobytes() if value.format in {"B", "b", "c"} and value.ndim == 1 else value.tolist()
    rows = kind_of(value)
    if rows is None and _slices(value):
        rows = SequenceRows()
    return None if rows is None else (value, rows)


def _slices(value: Any) -> bool:
    """Whether slices of an object of an unknown class have as many rows as they should."""
    try:
        count = len(value)
        return count > 0 and len(value[0:1]) == 1 and len(value[0:count]) == count and len(value[count:count]) == 0
    except Exception:  # noqa: BLE001 (the class may do anything)
        return False


def pack_part(key: str, part: Any, rows: Rows, *, flatten: bool, copy: bool) -> Packed:
    """Return a part under its name, packed to be pushed; with `flatten`, a part of one row is that row."""
    value = first_row(part) if flatten and rows.count(part) == 1 else part
    try:
        return pack_names({key: value}, copy=copy)
    except PackError:
        if value is not part or kind_of(part) is not None:
            raise
        return pack_names({key: list(part)}, copy=copy)  # a slice that hangs on a file, for example


def first_row(part: Any) -> Any:
    """Return the first row of a part: an item of a list, a (key, value) of a dict, a row of a table."""
    if hasattr(part, "iloc"):
        return part.iloc[0]
    if isinstance(part, Mapping):
        return next(iter(part.items()))
    return next(iter(part)) if isinstance(part, AbstractSet) else part[0]


def joined(parts: Sequence[Any]) -> tuple[Any, list[int]]:
    """Return all rows in one value, and how many of them each part had.

    The value is of the kind that holds all parts unchanged: of their own if they are alike, else a list of the rows.
    What has no rows, as numbers have none, or cannot be joined without a loss, stays a list of the parts, with no
    counts.
    """
    kinds = [kind_of(part) for part in parts]
    known = [kind for kind in kinds if kind is not None]
    if not parts or len(known) < len(kinds):
        return list(parts), []
    counts = [kind.count(part) for kind, part in zip(known, parts, strict=True)]
    filled = {
        id(kind): kind for kind, part, count in zip(known, parts, counts, strict=True) if count or not _bare(part)
    }
    alike = [part for kind, part in zip(known, parts, strict=True) if id(kind) in filled]
    try:
        if len(filled) <= 1:
            return known[0].join(parts) if not filled else filled.popitem()[1].join(alike), counts
    except CannotJoin:
        return list(parts), []
    if all(_holds_items(part) for part in alike):
        return list(chain.from_iterable(parts)), counts
    return list(parts), []


def _bare(part: Any) -> bool:
    """Whether `part`, if it is empty, could be an empty part of anything."""
    return isinstance(part, list | tuple)


def rows_in(part: Any) -> Iterable[Any]:
    """Return the rows of `part`; of what has none, or is a table, only itself."""
    return part if kind_of(part) is not None and _holds_items(part) else [part]


def _holds_items(part: Any) -> bool:
    """Whether the rows of `part` are what iterating over it gives."""
    return (
        not isinstance(part, str | bytes)
        and getattr(part, "ndim", 1) >= 1
        and not hasattr(part, "columns")
        and not (hasattr(part, "keys"))
    )


def _interleaved(whole: Any, counts: Sequence[int]) -> Any:
    """Return the rows of a list or array in the order of a round robin; None: this quick way is not for these."""
    places, total = len(counts), sum(counts)
    if any(count != len(range(place, total, places)) for place, count in enumerate(counts)):
        return None
    np = loaded("numpy")
    if type(whole) is list:
        made: Any = [None] * total
    elif np is not None and type(whole) is np.ndarray:
        made = np.empty_like(whole)
    else:
        return None
    start = 0
    for place, count in enumerate(counts):
        made[place::places] = whole[start : start + count]
        start += count
    return made


def in_turn(counts: Sequence[int]) -> Sequence[int]:
    """Return the numbers that rows have in the parts one after the other, in the order of a round robin.

    Returns an array if numpy is loaded, as it is when there are many rows.
    """
    starts = list(accumulate(counts, initial=0))[:-1]
    turns = max(counts, default=0)
    np = loaded("numpy")
    if np is None or turns < _MANY:
        places = range(len(counts))
        return [starts[place] + turn for turn in range(turns) for place in places if turn < counts[place]]
    turn = np.arange(turns)[:, None]
    order: Sequence[int] = (np.asarray(starts) + turn)[turn < np.asarray(counts)]
    return order
