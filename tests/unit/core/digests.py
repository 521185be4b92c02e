"""The whole state of the core as a value: two digests are equal if nothing that the core keeps has changed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum
from functools import cache
from itertools import count
from operator import attrgetter
from typing import Any

import msgspec

from engineroom.core.state import ControllerState

OF_THE_EVENT = ("now", "rng", "out")
"""What belongs to the event that is being handled, not to what is kept."""


def digest(state: ControllerState) -> list[object]:
    """Return all that `state` keeps, in order; an object that is reached once more is named by its place.

    What cannot change is there as it is; what is not the core's own, such as a body, counts as itself.
    """
    found: list[object] = []
    places: dict[int, int] = {}
    todo: list[Any] = [vars(state)]
    while todo:  # not recursive: tasks, engines and lines are a long chain
        value = todo.pop()
        parts = _parts(type(value))
        if parts is None:
            found.append(value)
        elif (place := places.get(id(value))) is not None:
            found.append(place)
        else:
            places[id(value)] = len(places)
            held = parts(value)
            found += (type(value), len(held))
            todo += held
    return found


@cache
def _parts(kind: type) -> Callable[[Any], list[Any]] | None:
    """Return what lists the parts of the values of a type; None if they cannot change, or are not the core's own."""
    if issubclass(kind, dict):
        return _items
    if issubclass(kind, set | frozenset):
        return sorted
    if issubclass(kind, count):
        return lambda value: [repr(value)]
    if issubclass(kind, list | tuple | deque):
        return list
    if issubclass(kind, msgspec.Struct):
        return None if kind.__struct_config__.frozen else _fields(kind.__struct_fields__)
    if kind.__module__.startswith("engineroom.core") and not issubclass(kind, Enum):
        return _attributes(kind)
    return None


def _items(value: dict[Any, Any]) -> list[Any]:
    return [part for item in value.items() if item[0] not in OF_THE_EVENT for part in item]


def _fields(names: tuple[str, ...]) -> Callable[[Any], list[Any]]:
    get = attrgetter(*names, "__class__")  # of one name, it would return no tuple
    return lambda value: list(get(value)[:-1])


def _attributes(kind: type) -> Callable[[Any], list[Any]]:
    names = [name for base in kind.__mro__ for name in getattr(base, "__slots__", ())]
    return lambda value: [getattr(value, name, None) for name in names] + list(getattr(value, "__dict__", {}).values())
