"""Queries as MongoDB has them, as far as the fields of documents go: all that matches is found, and perhaps more."""

from __future__ import annotations

from typing import Any

from engineroom.store.queries.columns import COLUMNS, as_kept
from engineroom.store.queries.matching import Order, latest_first
from engineroom.store.queries.operators import kind_of
from engineroom.store.queries.tree import Every, Query, Some, Test

_ORDERED = ("$lt", "$lte", "$gt", "$gte")
_NOTHING: dict[str, Any] = {"_id": {"$in": []}}


def filter_of(query: Query) -> tuple[dict[str, Any], bool]:
    """Return a filter for MongoDB, and whether it finds nothing else than what matches."""
    match query:
        case Every(parts) if parts:
            inner = [filter_of(part) for part in parts]
            told = [found for found, _ in inner if found]
            return ({"$and": told} if told else {}), all(exact for _, exact in inner)
        case Some(parts):
            inner = [filter_of(part) for part in parts]
            if not all(exact for _, exact in inner):
                return {}, False
            return {"$or": [found for found, _ in inner]}, True
        case Test((key,), name, operand) if key in COLUMNS:
            return _test(*COLUMNS[key], name, operand)
        case Every():
            return {}, True
        case _:
            return {}, False


def _test(field: str, kind: str, name: str, operand: Any) -> tuple[dict[str, Any], bool]:
    if name in _ORDERED:
        if kind_of(operand) != kind:
            return _NOTHING, True
        return {field: {name: as_kept(operand)}}, True
    if name in {"$eq", "$in"}:
        values = [operand] if name == "$eq" else operand
        mine = [as_kept(each) for each in values if kind_of(each) in {kind, "none"}]
        return {field: {"$in": mine}}, True
    return {}, False


def sort_of(order: Order) -> list[tuple[str, int]] | None:
    """Return the order for MongoDB, None if it is not one of fields."""
    if any(key not in COLUMNS for key, _ in order):
        return None
    told = {COLUMNS[key][0]: -1 if backwards else 1 for key, backwards in reversed(order)}
    last = -1 if latest_first(order) else 1
    return [*reversed(told.items()), *([] if "submitted" in told else [("submitted", last)]), ("_id", last)]
