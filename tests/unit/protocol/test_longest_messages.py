"""No message can be longer than a record, whatever is in its fields, as long as each is within its range."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from engineroom.protocol.messages import Answer
from engineroom.protocol.records import MAX_RECORD
from tests.fuzz.of_the_table import every_message, table

HEAD = 5
"""Bytes at most for the length of a text, of bytes or of a list."""


def longest(field: inspect.Type) -> int:
    """Return how many bytes a value of this type may take."""
    return _LONGEST[type(field)](field)


_LONGEST: dict[type[inspect.Type], Callable[[Any], int]] = {
    **dict.fromkeys(
        [inspect.IntType, inspect.FloatType, inspect.EnumType, inspect.BoolType, inspect.NoneType], lambda _: 9
    ),
    inspect.StrType: lambda field: HEAD + 4 * field.max_length,
    inspect.BytesType: lambda field: HEAD + field.max_length,
    inspect.VarTupleType: lambda field: HEAD + field.max_length * longest(field.item_type),
    inspect.TupleType: lambda field: HEAD + sum(map(longest, field.item_types)),
    inspect.UnionType: lambda field: max(map(longest, field.types)),
    inspect.LiteralType: lambda field: HEAD + max(len(str(value)) for value in field.values),
    inspect.StructType: lambda field: HEAD + 32 + sum(longest(part.type) for part in field.fields),
}


@pytest.mark.parametrize("kind", [kind for kind in every_message() if kind is not Answer])
def test_it_fits_a_record(kind: type[msgspec.Struct]) -> None:
    assert HEAD + longest(table(kind)) < MAX_RECORD
