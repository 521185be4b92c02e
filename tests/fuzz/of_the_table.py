"""Values in range and out of range, made from the types of the messages: whoever adds a field need not come here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, get_args

import hypothesis.strategies as st
from msgspec import Struct, inspect

from engineroom.protocol import messages

_LISTS = 3
"""Made lists are short; those that are out of range are as long as it takes."""

_MADE_WHOLE = 100_000
"""Texts, bytes and lists that are too long are made if they are no longer than this."""


def types_of(union: Any) -> tuple[type[Struct], ...]:
    """Return the messages of one direction."""
    return get_args(union)


def every_message() -> tuple[type[Struct], ...]:
    return types_of(messages.Message)


@cache
def table(message: type[Struct]) -> inspect.StructType:
    """Return the fields of a message, with their ranges."""
    about = inspect.type_info(message)
    assert isinstance(about, inspect.StructType)
    return about


@cache
def good_messages(message: type[Struct]) -> st.SearchStrategy[list[Any]]:
    """Return what makes messages of this type in range, as lists."""
    return wire(table(message))


@cache
def bad_messages(message: type[Struct]) -> st.SearchStrategy[list[Any]]:
    """Return what makes messages of this type, as lists, with one value that is out of range or of another type."""
    return bad_wire(table(message))


def without_range(field: inspect.Type, where: str) -> Iterator[str]:
    """Yield the places in a field whose type admits any number, or any length."""
    if type(field) not in _GOOD:
        yield f"{where}: {type(field).__name__} is not a type of this table"
    if isinstance(field, inspect.IntType | inspect.FloatType) and None in {field.ge, field.le}:
        yield f"{where}: a number without ge and le"
    if isinstance(field, inspect.StrType | inspect.BytesType | inspect.VarTupleType) and field.max_length is None:
        yield f"{where}: no max_length"
    for name, part in _parts(field):
        yield from without_range(part, f"{where}{name}")


def _parts(field: inspect.Type) -> list[tuple[str, inspect.Type]]:
    match field:
        case inspect.VarTupleType():
            return [("[]", field.item_type)]
        case inspect.TupleType():
            return [(f"[{place}]", item) for place, item in enumerate(field.item_types)]
        case inspect.UnionType():
            return [("", option) for option in field.types]
        case inspect.StructType():
            return [(f".{part.name}", part.type) for part in field.fields]
    return []


def good(field: inspect.Type) -> st.SearchStrategy[Any]:
    """Return what makes values in the range of `field`, as they lie on the wire; its ends among them."""
    return _GOOD[type(field)](field)


def _whole_numbers(field: Any) -> st.SearchStrategy[int]:
    return st.sampled_from([field.ge, min(field.le, field.ge + 1), field.le]) | st.integers(field.ge, field.le)


def _bytes(field: Any) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=field.min_length or 0, max_size=min(24, field.max_length))


_GOOD: dict[type[inspect.Type], Callable[[Any], st.SearchStrategy[Any]]] = {
    inspect.IntType: _whole_numbers,
    inspect.FloatType: lambda field: st.floats(field.ge, field.le),
    inspect.StrType: lambda field: st.text(max_size=min(20, field.max_length)),
    inspect.BytesType: _bytes,
    inspect.BoolType: lambda _: st.booleans(),
    inspect.NoneType: lambda _: st.none(),
    inspect.LiteralType: lambda field: st.sampled_from(_values(field)),
    inspect.EnumType: lambda field: st.sampled_from(_values(field)),
    inspect.VarTupleType: lambda field: st.lists(good(field.item_type), max_size=_LISTS),
    inspect.TupleType: lambda field: st.tuples(*map(good, field.item_types)).map(list),
    inspect.UnionType: lambda field: st.one_of([good(option) for option in field.types]),
    inspect.StructType: lambda field: wire(field),
}


def wire(struct: inspect.StructType, **fixed: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Return what makes messages in range, as lists; `fixed`: what makes some of its fields."""
    parts = [fixed.get(part.name, good(part.type)) for part in struct.fields]
    head = [] if struct.tag is None else [st.just(struct.tag)]
    return st.tuples(*head, *parts).map(list)


def bad_wire(struct: inspect.StructType) -> st.SearchStrategy[list[Any]]:
    """Return what makes messages, as lists, of which one value is out of range or of another type."""
    places = [place for place, part in enumerate(struct.fields) if _can_be_bad(part.type)]
    first = 0 if struct.tag is None else 1
    if not places:
        return st.just(["of no kind"])  # what there is to get wrong of a message without fields

    def spoil(whole: list[Any], place: int, value: Any) -> list[Any]:
        return [*whole[: first + place], value, *whole[first + place + 1 :]]

    return st.sampled_from(places).flatmap(
        lambda place: st.builds(spoil, wire(struct), st.just(place), bad(struct.fields[place].type))
    )


def bad(field: inspect.Type) -> st.SearchStrategy[Any]:
    """Return what makes values that are out of the range of `field`, or of another type."""
    return st.one_of([*_out_of_range(field), _of_another_type(field)])


_OF_EACH_TYPE: dict[type[inspect.Type], Any] = {
    inspect.IntType: 1,
    inspect.FloatType: 1.5,
    inspect.StrType: "x",
    inspect.BytesType: b"x",
    inspect.BoolType: True,
    inspect.NoneType: None,
    inspect.VarTupleType: [],
    inspect.DictType: {},
}


def _types(field: inspect.Type) -> set[type[inspect.Type]]:
    """Return the types of the values that `field` takes."""
    match field:
        case inspect.UnionType():
            return set().union(*map(_types, field.types))
        case inspect.FloatType():
            return {inspect.FloatType, inspect.IntType}
        case inspect.TupleType() | inspect.StructType():
            return {inspect.VarTupleType}
        case inspect.EnumType() | inspect.LiteralType():
            known = _values(field)
            return {kind for kind, value in _OF_EACH_TYPE.items() if any(type(value) is type(each) for each in known)}
    return {type(field)}


def _values(field: inspect.EnumType | inspect.LiteralType) -> list[Any]:
    """Return what an enumeration admits."""
    if isinstance(field, inspect.EnumType):
        return [member.value for member in field.cls]
    return list(field.values)


def _of_another_type(field: inspect.Type) -> st.SearchStrategy[Any]:
    return st.sampled_from([value for kind, value in _OF_EACH_TYPE.items() if kind not in _types(field)])


def _can_be_bad(field: inspect.Type) -> bool:
    return len(_types(field)) < len(_OF_EACH_TYPE)


def _out_of_range(field: inspect.Type) -> Iterator[st.SearchStrategy[Any]]:
    match field:
        case inspect.IntType():
            yield st.sampled_from([int(field.ge or 0) - 1, int(field.le or 0) + 1, -(2**63), 2**64 - 1])
        case inspect.EnumType() | inspect.LiteralType() if numbers := [n for n in _values(field) if type(n) is int]:
            yield st.sampled_from([min(numbers) - 1, max(numbers) + 1, 2**63])
        case inspect.FloatType():
            nan, inf = float("nan"), float("inf")
            yield st.sampled_from([nan, inf, -inf, (field.ge or 0.0) - 1.0, (field.le or 0.0) * 2])
        case inspect.StrType() | inspect.BytesType():
            yield from _too_long(field, "x" if isinstance(field, inspect.StrType) else b"x")
        case inspect.VarTupleType():
            yield bad(field.item_type).map(lambda item: [item])
        case inspect.StructType():
            yield bad_wire(field)


def _too_long(field: inspect.StrType | inspect.BytesType, unit: Any) -> Iterator[st.SearchStrategy[Any]]:
    if field.max_length is not None and field.max_length < _MADE_WHOLE:
        yield st.just(unit * (field.max_length + 1))
    if field.min_length:
        yield st.just(unit * (field.min_length - 1))
