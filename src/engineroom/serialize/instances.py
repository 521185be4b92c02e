"""How objects are pickled by value that are neither functions nor classes."""

from __future__ import annotations

import copyreg
import sys
from collections.abc import Mapping
from enum import EnumMeta
from typing import Any

from engineroom.serialize.classes import importable
from engineroom.serialize.enums import is_member, member
from engineroom.serialize.named import reduce_named

_STREAMS = ("stdout", "stderr", "stdin")
_WRAPPERS = (classmethod, staticmethod)


def reduce_instance(value: Any, ways: Mapping[type, Any]) -> Any:
    """Return how `value` is pickled; NotImplemented: in pickle's own way, or that of its type in `ways`."""
    kind: Any = type(value)
    if value is sys.stdout or value is sys.stderr or value is sys.stdin:
        return getattr, (sys, next(name for name in _STREAMS if value is getattr(sys, name)))
    if kind in ways:
        return _in_the_way_of_its_class(value, kind) if kind in copyreg.dispatch_table else NotImplemented
    if isinstance(kind, EnumMeta):
        return (member, (kind, value._name_)) if not importable(kind) and is_member(value) else NotImplemented
    if issubclass(kind, property):
        return _make_property, (kind,), _property_state(value), None, None, _fill_property
    if issubclass(kind, _WRAPPERS):
        return _make_wrapper, (kind, value.__func__), getattr(value, "__dict__", None)
    if kind.__reduce_ex__ is object.__reduce_ex__ and kind.__reduce__ is object.__reduce__:
        return NotImplemented
    return _unless_a_name(value, value.__reduce_ex__(5))


def _in_the_way_of_its_class(value: Any, kind: type) -> Any:
    return NotImplemented if importable(kind) else _unless_a_name(value, copyreg.dispatch_table[kind](value))


def _unless_a_name(value: Any, reduced: Any) -> Any:
    return reduce_named(value, reduced) if type(reduced) is str else reduced


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
