"""The operators of queries: which operands each takes, and what it says of a value."""

from __future__ import annotations

import fnmatch
import operator
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from engineroom.store.queries.problems import BadQuery

Check = Callable[[Any], bool]
"""Whether a value passes."""


def kind_of(value: Any) -> str:
    """Return the kind of a value; only values of one kind come before or after each other."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    for kind, name in _KINDS:
        if isinstance(value, kind):
            return name
    return "none" if value is None else "other"


_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (str, "text"),
    (datetime, "date"),
    (bytes, "bytes"),
    (list, "list"),
    (dict, "mapping"),
)

_ORDERED = ("number", "text", "date", "bytes")


def equal(one: Any, other: Any) -> bool:
    """Whether two values are the same: numbers by their value, and only a bool is the same as a bool."""
    kind = kind_of(one)
    if kind != kind_of(other):
        return False
    if kind == "list":
        return len(one) == len(other) and all(map(equal, one, other))
    if kind == "mapping":
        return one.keys() == other.keys() and all(equal(value, other[key]) for key, value in one.items())
    return bool(one == other)


def _order(compare: Callable[[Any, Any], bool]) -> Callable[[Any, str], Check]:
    def made(operand: Any, place: str) -> Check:
        kind = kind_of(operand)
        if kind not in _ORDERED or operand != operand:
            raise BadQuery(f"expected a number, a text, a date or bytes, got {_shown(operand)}", place)
        return lambda value: kind_of(value) == kind and compare(value, operand)

    return made


def _equal(operand: Any, place: str) -> Check:
    del place
    return lambda value: equal(value, operand)


def _in(operand: Any, place: str) -> Check:
    choices = _list(operand, place)
    quick = {(kind_of(each), each) for each in choices if kind_of(each) in {*_ORDERED, "bool", "none"}}
    slow = [each for each in choices if kind_of(each) in {"list", "mapping", "other"}]

    def check(value: Any) -> bool:
        kind = kind_of(value)
        if kind in {"list", "mapping", "other"}:
            return any(equal(value, each) for each in slow)
        return (kind, value) in quick

    return check


def _list(operand: Any, place: str) -> list[Any]:
    if not isinstance(operand, list):
        raise BadQuery(f"expected a list, got {_shown(operand)}", place)
    return operand


def _all(operand: Any, place: str) -> Check:
    wanted = _list(operand, place)

    def check(value: Any) -> bool:
        if not isinstance(value, list):
            return len(wanted) > 0 and all(equal(value, each) for each in wanted)
        return len(wanted) > 0 and all(any(equal(each, item) for item in value) for each in wanted)

    return check


def _mod(operand: Any, place: str) -> Check:
    match operand:
        case [int(divisor), int(rest)] if divisor and not isinstance(divisor, bool) and not isinstance(rest, bool):
            return lambda value: kind_of(value) == "number" and value == value // 1 and value % divisor == rest
    raise BadQuery(f"expected [divisor, remainder], two whole numbers, got {_shown(operand)}", place)


def _glob(operand: Any, place: str) -> Check:
    if not isinstance(operand, str):
        raise BadQuery(f"expected a pattern such as 'a*', got {_shown(operand)}", place)
    matches = re.compile(fnmatch.translate(operand)).match
    return lambda value: isinstance(value, str) and matches(value) is not None


def _exists(operand: Any, place: str) -> Check:
    if not isinstance(operand, int) or operand not in {0, 1}:
        raise BadQuery(f"expected True or False, got {_shown(operand)}", place)
    return bool


OPERATORS: Mapping[str, Callable[[Any, str], Check]] = {
    "$eq": _equal,
    "$ne": _equal,
    "$lt": _order(operator.lt),
    "$lte": _order(operator.le),
    "$gt": _order(operator.gt),
    "$gte": _order(operator.ge),
    "$in": _in,
    "$nin": _in,
    "$all": _all,
    "$mod": _mod,
    "$glob": _glob,
    "$exists": _exists,
}
"""By name: what makes a check of an operand; `$ne` and `$nin` hold where their check does not."""

NEGATED = ("$ne", "$nin")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
