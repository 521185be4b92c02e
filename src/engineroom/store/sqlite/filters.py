"""Queries as SQL, as far as the columns go: what is selected is all that matches, and perhaps more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from engineroom.protocol.messages import Status
from engineroom.store.entry import STATES
from engineroom.store.queries.columns import COLUMNS, as_kept
from engineroom.store.queries.matching import Order, latest_first
from engineroom.store.queries.operators import kind_of
from engineroom.store.queries.tree import Every, Not, Query, Some, Test

_COMPARED = {"$eq": "=", "$lt": "<", "$lte": "<=", "$gt": ">", "$gte": ">="}
_MOST_VALUES = 500


class Where(NamedTuple):
    """A condition in SQL and its values. `exact`: it holds for what matches alone."""

    sql: str
    values: tuple[Any, ...] = ()
    exact: bool = True


_ANY = Where("1", (), exact=False)
_NONE = Where("0")


def where(query: Query) -> Where:
    """Return what selects the rows that match `query`."""
    match query:
        case Every(parts):
            return _joined("AND", [where(part) for part in parts], "1")
        case Some(parts):
            return _joined("OR", [where(part) for part in parts], "0")
        case Not(part):
            inner = where(part)
            # What is not known to match may match.
            return Where(f"NOT coalesce({inner.sql}, 0)", inner.values) if inner.exact else _ANY
        case Test(path, name, operand):
            return _test(path, name, operand)


def states_of(query: Query) -> tuple[str, ...] | None:
    """Return the states of the tasks that `query` is about, by which indices begin; None: that does not matter."""
    tests = [query] if isinstance(query, Test) else list(query.parts) if isinstance(query, Every) else []
    named = {test.path[0]: test for test in tests if isinstance(test, Test)}
    state, completed = named.get("state"), named.get("completed")
    if state is not None and state.operator in {"$eq", "$in"}:
        wanted = [state.operand] if state.operator == "$eq" else state.operand
        return tuple(each for each in STATES if each in wanted)
    return STATES if completed is not None and completed.operator in _COMPARED else None


def completed_within(query: Query) -> tuple[Where, Where] | None:
    """Return the condition on when tasks ended that all of `query` depends on, of tasks and of spans; None: there is
    none."""
    tests = query.parts if isinstance(query, Every) else [query]
    ranges = [
        each for each in tests if isinstance(each, Test) and each.path == ("completed",) and each.operator in _COMPARED
    ]
    if not ranges or any(kind_of(each.operand) != "date" for each in ranges):
        return None
    spans = [
        Where(f"{column} {compared} ?", (as_kept(each.operand),))
        for each in ranges
        for column, compared, wanted in (("latest", ">=", "<"), ("earliest", "<=", ">"))
        if wanted not in _COMPARED[each.operator]
    ]
    return _joined("AND", [where(each) for each in ranges], "1"), _joined("AND", spans, "1")


def _joined(word: str, parts: Sequence[Where], of_none: str) -> Where:
    if not parts:
        return Where(of_none)
    sql = f" {word} ".join(part.sql for part in parts)
    values = tuple(value for part in parts for value in part.values)
    exact = all(part.exact for part in parts)
    if len(values) > _MOST_VALUES * 10 or (word == "OR" and len(parts) > _MOST_VALUES):
        return _ANY
    return Where(f"({sql})", values, exact)


def _test(path: tuple[str, ...], name: str, operand: Any) -> Where:
    if len(path) > 1 or not _is_text_of_files(operand):
        return _ANY
    if path == ("status",):
        return _status(name, operand)
    return _of_column(*COLUMNS[path[0]], name, operand) if path[0] in COLUMNS else _ANY


def _of_column(column: str, kind: str, name: str, operand: Any) -> Where:
    if name == "$exists":
        return Where(f"{column} IS {'NOT ' if operand else ''}NULL")
    if name in {"$in", "$nin"}:
        return _in(column, kind, operand, negated=name == "$nin")
    if name in {"$eq", "$ne"}:
        return _in(column, kind, [operand], negated=name == "$ne")
    if name not in _COMPARED:
        return _ANY
    if kind_of(operand) != kind:
        return _NONE
    return Where(f"{column} {_COMPARED[name]} ?", (as_kept(operand),))


def _is_text_of_files(operand: Any) -> bool:
    """Whether each text in it can be written in UTF-8: SQLite takes no others."""
    if isinstance(operand, list):
        return all(map(_is_text_of_files, operand))
    return not isinstance(operand, str) or not any("\ud800" <= each <= "\udfff" for each in operand)


def _status(name: str, operand: Any) -> Where:
    """Whose words are kept as numbers."""
    words = [operand] if name in {"$eq", "$ne"} else operand if name in {"$in", "$nin"} else None
    if words is None:
        return _ANY
    numbers = {status.name.lower(): int(status) for status in Status}
    known = [None if word is None else numbers.get(word, -1) for word in words if word is None or isinstance(word, str)]
    return _in("status", "number", known, negated=name in {"$ne", "$nin"})


def _in(column: str, kind: str, operands: Sequence[Any], *, negated: bool) -> Where:
    values = tuple(as_kept(each) for each in operands if kind_of(each) == kind)
    if len(values) > _MOST_VALUES:
        return _ANY
    parts = [f"{column} IN ({', '.join('?' * len(values))})"] if len(values) > 1 else [f"{column} = ?"] * len(values)
    parts += [f"{column} IS NULL"] if any(each is None for each in operands) else []
    if not parts:
        return Where("1") if negated else _NONE
    sql = " OR ".join(parts)
    return Where(f"NOT coalesce({sql}, 0)" if negated else f"({sql})", values)


def order_by(order: Order) -> str | None:
    """Return the order in SQL, None if it is not one of columns."""
    if any(key not in COLUMNS for key, _ in order):
        return None
    parts = [(COLUMNS[key][0], backwards) for key, backwards in order]
    parts += [(column, latest_first(order)) for column in ("submitted", "task")]
    return ", ".join([f"{column}{' DESC' if backwards else ''}" for column, backwards in parts])


def columns_of(order: Order) -> str:
    """Return the columns that `order_by` sorts by, to be selected."""
    return ", ".join([*(COLUMNS[key][0] for key, _ in order), "submitted", "task"])
