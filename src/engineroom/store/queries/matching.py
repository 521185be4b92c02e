"""Which entries match a query, and in which order they come: what every store answers, in plain Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from engineroom.store.queries.operators import NEGATED, OPERATORS, Check, kind_of
from engineroom.store.queries.problems import BadQuery, nearest
from engineroom.store.queries.tree import Every, Not, Query, Some, Test
from engineroom.store.records import KEYS

if TYPE_CHECKING:
    from engineroom.store.entry import Entry

Matches = Callable[["Entry"], bool]

Order = tuple[tuple[str, bool], ...]
"""Keys by which entries are sorted, and whether backwards."""


def matcher(query: Query) -> Matches:
    """Return what tells whether an entry matches."""
    match query:
        case Every(parts):
            every = [matcher(part) for part in parts]
            return lambda entry: all(each(entry) for each in every)
        case Some(parts):
            some = [matcher(part) for part in parts]
            return lambda entry: any(each(entry) for each in some)
        case Not(part):
            inner = matcher(part)
            return lambda entry: not inner(entry)
        case Test(path, name, operand):
            return _test(path, name, operand)


def _test(path: tuple[str, ...], name: str, operand: Any) -> Matches:
    root, *rest = path
    read = KEYS.get(root)
    if name == "$exists":
        wanted = bool(operand)
        return lambda entry: (read is not None and _is_there(read(entry), rest)) == wanted
    assert read is not None
    check = OPERATORS[name](operand, ".".join(path))
    if name in NEGATED:
        return lambda entry: not _passes(values_at(read(entry), rest), check)
    return lambda entry: _passes(values_at(read(entry), rest), check)


def _passes(values: list[Any], check: Check) -> bool:
    """Whether a value passes, or something in one that is a list."""
    return any(
        check(value) or (isinstance(value, list) and any(check(each) for each in value)) for value in values or (None,)
    )


def values_at(value: Any, path: Sequence[str]) -> list[Any]:
    """Return what is at `path` within `value`: nothing, or several values if there are lists on the way."""
    if not path:
        return [value]
    if isinstance(value, list):
        if path[0].isdecimal():
            place = int(path[0])
            return values_at(value[place], path[1:]) if place < len(value) else []
        return [found for each in value if isinstance(each, dict) for found in values_at(each, path)]
    if isinstance(value, Mapping) and path[0] in value:
        return values_at(value[path[0]], path[1:])
    return []


def _is_there(value: Any, path: Sequence[str]) -> bool:
    """Whether there is anything at `path`: a key whose value is None has none."""
    return any(found is not None for found in values_at(value, path))


def checked_order(sort: Any) -> Order:
    """Return the order that is asked for: "completed", "-completed", [("completed", -1)], or a list of such.

    BadQuery: there is no such key, or no such order.
    """
    if sort is None:
        return ()
    single = isinstance(sort, str) or (isinstance(sort, tuple) and len(sort) == 2 and sort[1] in {1, -1})
    return tuple(_by(each) for each in ([sort] if single else _several(sort)))


def _several(sort: Any) -> Iterable[Any]:
    if isinstance(sort, Mapping):
        return sort.items()
    if not isinstance(sort, list | tuple):
        raise BadQuery(f"expected a key, or a list of keys, got {sort!r}", "sort")
    return sort


def _by(each: Any) -> tuple[str, bool]:
    match each:
        case str():
            key, backwards = each.removeprefix("-"), each.startswith("-")
        case [str(key), 1 | -1 as way]:
            backwards = way == -1
        case _:
            raise BadQuery(f"expected 'key', '-key' or ('key', -1), got {each!r}", "sort")
    if key.partition(".")[0] not in KEYS:
        raise BadQuery(f"a task has no key {key!r}{nearest(key, KEYS)}", "sort")
    return key, backwards


_RANKS = {
    kind: rank for rank, kind in enumerate(("none", "number", "text", "mapping", "list", "bytes", "bool", "date"))
}


def sort_value(entry: Entry, key: str) -> tuple[int, Any]:
    """Return what `entry` is sorted by: nothing comes first, then numbers, then texts."""
    root, *path = key.split(".")
    value = next(iter(values_at(KEYS[root](entry), path)), None)
    kind = kind_of(value)
    if kind in {"none", "mapping", "list"}:
        value = 0
    elif isinstance(value, datetime):
        value = value.timestamp()
    return _RANKS[kind], value


def latest_first(order: Order) -> bool:
    """Whether, of entries that are alike in all keys, the one that was submitted last comes first."""
    return bool(order) and order[-1][1]


def arranged(entries: Iterable[Entry], query: Query, order: Order, limit: int | None, skip: int) -> Iterable[Entry]:
    """Return those of `entries`, which come in the order in which they were submitted, that are asked for."""
    matches = matcher(query)
    found: Iterable[Entry] = (entry for entry in entries if matches(entry))
    if order:
        found = list(found)
        if latest_first(order):
            found.reverse()
        for key, backwards in reversed(order):
            found.sort(key=lambda entry, key=key: sort_value(entry, key), reverse=backwards)  # type: ignore[misc]
    return islice(found, skip, None if limit is None else skip + limit)


def checked_window(limit: Any, skip: Any) -> tuple[int | None, int]:
    """Return `limit` and `skip`; BadQuery: they are no numbers of entries."""
    for name, value in (("limit", 0 if limit is None else limit), ("skip", skip)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise BadQuery(f"expected a whole number from 0, got {value!r}", name)
    return limit, skip
