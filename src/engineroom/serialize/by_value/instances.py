"""How objects are pickled by value that are neither functions nor classes."""

from __future__ import annotations

import copyreg
import functools
import sys
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from engineroom.serialize.by_value.enums import is_member, member
from engineroom.serialize.by_value.named import reduce_named
from engineroom.serialize.by_value.origins import importable

Way = Callable[[Any], Any]
_STREAMS = ("stdout", "stderr", "stdin")
_WRAPPERS = (classmethod, staticmethod)


def way_of(kind: Any, ways: Mapping[type, Way]) -> Way | None:
    """Return how objects of the type `kind` are pickled; None: in pickle's own way, or that of their type in `ways`."""
    if any(kind is type(getattr(sys, name)) for name in _STREAMS):
        return functools.partial(_reduce_stream, otherwise=_other_way(kind, ways))
    return _other_way(kind, ways)


def _other_way(kind: Any, ways: Mapping[type, Way]) -> Way | None:
    if kind in ways:
        return None if importable(kind) or kind not in copyreg.dispatch_table else _in_the_way_of_its_class
    if issubclass(kind, Enum):
        return None if importable(kind) else _reduce_member
    if issubclass(kind, property):
        return _reduce_property
    if issubclass(kind, _WRAPPERS):
        return _reduce_wrapper
    plain = kind.__reduce_ex__ is object.__reduce_ex__ and kind.__reduce__ is object.__reduce__
    return None if plain else _in_its_own_way


def _reduce_stream(value: Any, *, otherwise: Way | None) -> Any:
    for name in _STREAMS:
        if value is getattr(sys, name):
            return getattr, (sys, name)
    return NotImplemented if otherwise is None else otherwise(value)


def _in_the_way_of_its_class(value: Any) -> Any:
    return _unless_a_name(value, copyreg.dispatch_table[type(value)](value))


def _in_its_own_way(value: Any) -> Any:
    return _unless_a_name(value, value.__reduce_ex__(5))


def _unless_a_name(value: Any, reduced: Any) -> Any:
    return reduce_named(value, reduced) if type(reduced) is str else reduced


def _reduce_member(value: Any) -> Any:
    return (member, (type(value), value._name_)) if is_member(value) else _in_its_own_way(value)


def _reduce_property(value: property) -> Any:
    return _make_property, (type(value),), _property_state(value), None, None, _fill_property


def _reduce_wrapper(value: Any) -> Any:
    return _make_wrapper, (type(value), value.__func__), getattr(value, "__dict__", None)


def _property_state(value: property) -> tuple[Any, ...]:
    return value.fget, value.fset, value.fdel, value.__doc__, getattr(value, "__dict__", None)


def _make_property(kind: type[property]) -> property:
    return kind.__new__(kind)


def _fill_property(made: property, state: tuple[Any, ...]) -> None:
    *parts, own = state
    property.__init__(made, *parts)
    if own:
        vars(made).update(own)


def _make_wrapper(kind: Any, function: Any) -> Any:
    made = kind.__new__(kind)
    next(each for each in _WRAPPERS if issubclass(kind, each)).__init__(made, function)
    return made
