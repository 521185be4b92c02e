"""Rows of Python's own containers."""

from __future__ import annotations

import array
import copy
from collections import UserDict, deque
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain, islice
from typing import Any

from engineroom.client.sequences.rows.kind import CannotJoin
from engineroom.serialize.cut_texts import BytesPart, TextPart


def in_order(items: Sequence[Any], order: Any) -> list[Any]:
    """Return the items with these numbers."""
    numbers = order if isinstance(order, list) else order.tolist()  # an array's own integers are slow
    return list(map(items.__getitem__, numbers))


class SequenceRows:
    """Lists, tuples, ranges, and other sequences that slice."""

    def count(self, whole: Any) -> int:
        return len(whole)

    def cut(self, whole: Any, which: slice) -> Any:
        return whole[which]

    def join(self, parts: Sequence[Any]) -> Any:
        items = list(chain.from_iterable(parts))
        kinds = set(map(type, parts))
        if kinds == {tuple}:
            return tuple(items)
        return items if len(kinds) > 1 or kinds <= {list, range} else _of_kind(kinds.pop(), items)

    def take(self, whole: Any, order: Sequence[int]) -> Any:
        items = in_order(whole, order)
        return items if type(whole) is list else _of_kind(type(whole), items)


def _of_kind(kind: Any, items: list[Any]) -> Any:
    """Return `items` as a sequence of `kind` if that can be made of them, else as they are."""
    try:
        made = kind(items)
        return made if type(made) is kind and list(made) == items else items
    except Exception:  # noqa: BLE001 (the class may want anything)
        return items


class DequeRows:
    """Deques; what is joined has no `maxlen`, for it must hold all parts."""

    def count(self, whole: deque[Any]) -> int:
        return len(whole)

    def cut(self, whole: deque[Any], which: slice) -> Any:
        return type(whole)(islice(whole, which.start, which.stop, which.step))

    def join(self, parts: Sequence[deque[Any]]) -> Any:
        return type(parts[0])(chain.from_iterable(parts))

    def take(self, whole: deque[Any], order: Sequence[int]) -> Any:
        return type(whole)(in_order(list(whole), order))


class MappingRows:
    """Mappings: a row is a key with its value. Parts that share keys are not joined: values would be lost."""

    def count(self, whole: Mapping[Any, Any]) -> int:
        return len(whole)

    def cut(self, whole: Mapping[Any, Any], which: slice) -> Any:
        return _mapping_like(whole, list(whole.items())[which])

    def join(self, parts: Sequence[Mapping[Any, Any]]) -> Any:
        items = list(chain.from_iterable(part.items() for part in parts))
        if len({key for key, _ in items}) < len(items):
            raise CannotJoin
        kinds = set(map(type, parts))
        return _mapping_like(parts[0], items) if len(kinds) == 1 else dict(items)

    def take(self, whole: Mapping[Any, Any], order: Sequence[int]) -> Any:
        items = list(whole.items())
        return _mapping_like(whole, in_order(items, order))


def _mapping_like(whole: Mapping[Any, Any], items: list[tuple[Any, Any]]) -> Any:
    """Return a mapping of `items`; a defaultdict, Counter or other kind of dict stays one."""
    if type(whole) is not dict and isinstance(whole, dict | UserDict):
        try:
            made = copy.copy(whole)
            made.clear()
            made.update(dict(items))
            if list(made.items()) == items:
                return made
        except Exception:  # noqa: BLE001 (the class may forbid anything)
            pass
    return dict(items)


class SetRows:
    """Sets, whose rows are in the order of iteration. Parts that share items are not joined."""

    def count(self, whole: AbstractSet[Any]) -> int:
        return len(whole)

    def cut(self, whole: AbstractSet[Any], which: slice) -> Any:
        return (frozenset if isinstance(whole, frozenset) else set)(list(whole)[which])

    def join(self, parts: Sequence[AbstractSet[Any]]) -> Any:
        kind = frozenset if all(isinstance(part, frozenset) for part in parts) else set
        whole = kind(chain.from_iterable(parts))
        if len(whole) < sum(map(len, parts)):
            raise CannotJoin
        return whole

    def take(self, whole: AbstractSet[Any], order: Sequence[int]) -> Any:
        del order
        return whole


class OrderedRows(SequenceRows):
    """Sets of other classes and views of dicts, in their order; what a view is cut into are lists."""

    def cut(self, whole: Iterable[Any], which: slice) -> Any:
        return _of_kind(type(whole), list(whole)[which])

    def take(self, whole: Iterable[Any], order: Any) -> Any:
        return _of_kind(type(whole), in_order(list(whole), order))


class TextRows:
    """Parts of a text or of bytes. A whole text is a value like a number: only what was cut is joined again."""

    def count(self, whole: str | bytes) -> int:
        return len(whole)

    def cut(self, whole: str | bytes, which: slice) -> Any:
        return TextPart(whole[which]) if isinstance(whole, str) else BytesPart(whole[which])

    def join(self, parts: Sequence[str | bytes]) -> Any:
        if all(isinstance(part, TextPart) for part in parts):
            return "".join(parts)  # type: ignore[arg-type]
        if all(isinstance(part, BytesPart) for part in parts):
            return b"".join(parts)  # type: ignore[arg-type]
        raise CannotJoin

    def take(self, whole: str | bytes, order: Sequence[int]) -> Any:
        if isinstance(whole, str):
            return "".join(in_order(whole, order))
        return bytes(in_order(whole, order))


class BufferRows:
    """bytearray and array.array."""

    def count(self, whole: Any) -> int:
        return len(whole)

    def cut(self, whole: Any, which: slice) -> Any:
        return whole[which]

    def join(self, parts: Sequence[Any]) -> Any:
        if len({(type(part), getattr(part, "typecode", None)) for part in parts}) > 1:
            return list(chain.from_iterable(parts))
        whole = parts[0][:]
        for part in parts[1:]:
            whole.extend(part)
        return whole

    def take(self, whole: Any, order: Sequence[int]) -> Any:
        items = in_order(whole, order)
        if isinstance(whole, array.array):
            return array.array(whole.typecode, items)
        return items if isinstance(whole, list) else type(whole)(items)
