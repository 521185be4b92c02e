"""Queries that name their tasks: a store need not look at any others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engineroom.ids import TaskId, parse_msg_id
from engineroom.store.queries.tree import Every, Query, Test


def tasks_named(query: Query) -> list[TaskId] | None:
    """Return the tasks by which `query` names what it wants, None if it does not: others can't match."""
    match query:
        case Test(("msg_id",), "$eq", operand):
            return _tasks([operand])
        case Test(("msg_id",), "$in", operand):
            return _tasks(operand)
        case Every(parts):
            named = [tasks for part in parts if (tasks := tasks_named(part)) is not None]
            return min(named, key=len, default=None)
        case _:
            return None


def _tasks(names: Iterable[Any]) -> list[TaskId]:
    found: dict[TaskId, None] = {}
    for name in names:
        try:
            found[parse_msg_id(name)] = None
        except (ValueError, AttributeError):
            continue  # no task has this name
    return list(found)
