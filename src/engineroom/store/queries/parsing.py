"""From what users write as a query to a tree; whatever is wrong is said with its place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from engineroom.store.queries.operators import OPERATORS, kind_of
from engineroom.store.queries.problems import BadQuery, nearest
from engineroom.store.queries.tree import Every, Not, Query, Some, Test
from engineroom.store.records import DATES, KEYS

MOST_TESTS = 10_000
"""So many tests make a query, at most..."""

DEEPEST = 30
"""... and so deep may it be."""

_JOINED = ("$and", "$or", "$nor")


def parse(query: Any) -> Query:
    """Return the tree of `query`, such as {"engine_id": 3, "completed": {"$gt": yesterday}}; BadQuery says where and
    why it is none."""
    return _Parser().whole(query, "", 0)


class _Parser:
    def __init__(self) -> None:
        self.tests = 0

    def whole(self, query: Any, place: str, depth: int) -> Query:
        if not isinstance(query, Mapping):
            raise BadQuery(f"expected a dict, got {type(query).__name__}", place)
        if depth > DEEPEST:
            raise BadQuery(f"it is more than {DEEPEST} levels deep", place)
        return _every([self._item(key, value, place, depth) for key, value in query.items()])

    def _item(self, key: Any, value: Any, place: str, depth: int) -> Query:
        if not isinstance(key, str):
            raise BadQuery(f"expected the name of a key, got {key!r}", place)
        here = f"{place}.{key}" if place else key
        if key in _JOINED:
            return self._joined(key, value, here, depth)
        if key.startswith("$"):
            hint = f"; {key!r} needs a key: {{'engine_id': {{{key!r}: ...}}}}" if key in OPERATORS else ""
            raise BadQuery(f"unknown operator {key!r}{hint or nearest(key, _JOINED)}", here)
        path = tuple(key.split("."))
        if _is_tests(value, here):
            return self._tests(path, value, here, depth)
        return self._test(path, "$eq", value, here)

    def _joined(self, key: str, value: Any, here: str, depth: int) -> Query:
        if not isinstance(value, list | tuple) or not value:
            raise BadQuery("expected a list of queries", here)
        parts = tuple(self.whole(part, f"{here}[{n}]", depth + 1) for n, part in enumerate(value))
        if key == "$nor":
            return Not(Some(parts))
        return Every(parts) if key == "$and" else Some(parts)

    def _tests(self, path: tuple[str, ...], value: Mapping[str, Any], here: str, depth: int) -> Query:
        if depth > DEEPEST:
            raise BadQuery(f"it is more than {DEEPEST} levels deep", here)
        parts: list[Query] = []
        for name, operand in value.items():
            inner = f"{here}.{name}"
            if name == "$not":
                if not isinstance(operand, Mapping) or not _is_tests(operand, inner):
                    raise BadQuery("expected a dict of operators", inner)
                parts.append(Not(self._tests(path, operand, inner, depth + 1)))
            else:
                parts.append(self._test(path, name, operand, inner))
        return _every(parts)

    def _test(self, path: tuple[str, ...], name: str, operand: Any, place: str) -> Test:
        self.tests += 1
        if self.tests > MOST_TESTS:
            raise BadQuery(f"it has more than {MOST_TESTS} conditions", place)
        if name not in OPERATORS:
            raise BadQuery(f"unknown operator {name!r}{nearest(name, (*OPERATORS, '$not'))}", place)
        if path[0] not in KEYS and name != "$exists":
            raise BadQuery(f"a task has no key {path[0]!r}{nearest(path[0], KEYS)}", place)
        plain = _plain(operand, place)
        if path[0] in DATES or path[-1] == "date":
            plain = _dated(plain, name, place)
        OPERATORS[name](plain, place)
        return Test(path, name, plain)


def _every(parts: list[Query]) -> Query:
    return parts[0] if len(parts) == 1 else Every(tuple(parts))


def _is_tests(value: Any, place: str) -> bool:
    """Whether `value` is a dict of operators, rather than a value to compare with."""
    if not isinstance(value, Mapping) or not value:
        return False
    operators = [isinstance(name, str) and name.startswith("$") for name in value]
    if any(operators) and not all(operators):
        raise BadQuery("expected operators, or a value, but not both in one dict", place)
    return all(operators)


def _plain(value: Any, place: str, depth: int = 0) -> Any:
    """Return an operand with one type for each kind of value: dates know their zone, sets are lists."""
    if depth > DEEPEST:
        raise BadQuery(f"it is more than {DEEPEST} levels deep", place)
    match value:
        case datetime():
            return value.astimezone(UTC)  # one that knows no zone is meant as a clock on the wall shows it
        case bytearray() | memoryview():
            return bytes(value)
        case list() | tuple() | set() | frozenset():
            return [_plain(each, place, depth + 1) for each in value]
        case Mapping():
            return {str(key): _plain(each, place, depth + 1) for key, each in value.items()}
        case _ if kind_of(value) == "other":
            raise BadQuery(f"a task has no values of the type {type(value).__name__}", place)
        case _:
            return value


def _dated(value: Any, name: str, place: str) -> Any:
    """Return an operand that dates are compared with: a date may be a text in ISO 8601, or seconds since 1970."""
    if name in {"$exists", "$mod", "$glob"}:
        return value
    if isinstance(value, list):
        return [_dated(each, name, place) for each in value]
    try:
        if kind_of(value) == "number":
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, str):
            return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise BadQuery(f"expected a date, got {value!r}", place) from None
    return value
