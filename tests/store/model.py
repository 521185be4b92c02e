"""Queries in a few plain lines: what every store has to agree with."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from datetime import datetime
from typing import Any


def matches(query: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    """Whether a record, with all its keys, matches a query whose dates are all dates."""
    return all(_holds(key, wanted, record) for key, wanted in query.items())


def _holds(key: str, wanted: Any, record: Mapping[str, Any]) -> bool:
    if key == "$and":
        return all(matches(part, record) for part in wanted)
    if key == "$or":
        return any(matches(part, record) for part in wanted)
    if key == "$nor":
        return not any(matches(part, record) for part in wanted)
    found = _found(record, key.split("."))
    if isinstance(wanted, Mapping) and wanted and all(name.startswith("$") for name in wanted):
        return all(_applies(name, operand, found) for name, operand in wanted.items())
    return _applies("$eq", wanted, found)


def _found(value: Any, path: list[str]) -> list[Any]:
    if not path:
        return [value]
    if isinstance(value, list):
        if path[0].isdecimal():
            return _found(value[int(path[0])], path[1:]) if int(path[0]) < len(value) else []
        return [found for each in value if isinstance(each, Mapping) for found in _found(each, path)]
    return _found(value[path[0]], path[1:]) if isinstance(value, Mapping) and path[0] in value else []


def _applies(name: str, operand: Any, found: list[Any]) -> bool:
    if name == "$not":
        return not all(_applies(each, inner, found) for each, inner in operand.items())
    if name == "$exists":
        return any(value is not None for value in found) == operand
    if name == "$ne":
        return not _applies("$eq", operand, found)
    if name == "$nin":
        return not _applies("$in", operand, found)
    values = [*found] or [None]
    if name == "$all":
        return bool(operand) and any(
            all(any(_same(each, item) for item in (value if isinstance(value, list) else [value])) for each in operand)
            for value in [*values, *_members(values)]
        )
    return any(_passes(name, value, operand) for value in [*values, *_members(values)])


def _members(values: list[Any]) -> list[Any]:
    return [each for value in values if isinstance(value, list) for each in value]


def _passes(name: str, value: Any, operand: Any) -> bool:
    if name == "$eq":
        return _same(value, operand)
    if name == "$in":
        return any(_same(value, each) for each in operand)
    if name == "$glob":
        return isinstance(value, str) and fnmatch.fnmatchcase(value, operand)
    if name == "$mod":
        return _sort(value) is int and value == int(value) and value % operand[0] == operand[1]
    if _sort(value) is not _sort(operand) or value is None:
        return False
    return {
        "$lt": lambda: value < operand,
        "$lte": lambda: value <= operand,
        "$gt": lambda: value > operand,
        "$gte": lambda: value >= operand,
    }[name]()


def _sort(value: Any) -> Any:
    return int if isinstance(value, float) else type(value)


def _same(one: Any, other: Any) -> bool:
    return _sort(one) is _sort(other) and bool(one == other)


def in_order(records: list[dict[str, Any]], key: str, *, backwards: bool) -> list[dict[str, Any]]:
    """Return records in the order of the values at `key`, those that have none first."""

    def place(record: dict[str, Any]) -> tuple[bool, Any]:
        value = record[key]
        if value is None:
            return (False, 0)
        return (True, value.timestamp() if isinstance(value, datetime) else value)

    return sorted(records[::-1] if backwards else records, key=place, reverse=backwards)
