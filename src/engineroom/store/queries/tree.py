"""A query, parsed and checked: a tree of tests."""

from __future__ import annotations

from typing import Any

import msgspec


class Test(msgspec.Struct, frozen=True):
    """What is at `path` stands in a relation to `operand`; `operator` is one of `operators.OPERATORS`."""

    path: tuple[str, ...]
    operator: str
    operand: Any


class Every(msgspec.Struct, frozen=True):
    """All of `parts` hold; of none, that is so."""

    parts: tuple[Query, ...] = ()


class Some(msgspec.Struct, frozen=True):
    """One of `parts` holds at least."""

    parts: tuple[Query, ...]


class Not(msgspec.Struct, frozen=True):
    """`part` does not hold."""

    part: Query


Query = Test | Every | Some | Not

ALL = Every()
"""The query that every task matches."""
