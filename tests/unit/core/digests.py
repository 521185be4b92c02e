"""The whole state of the core as a value: two digests are equal if nothing that the core keeps has changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count
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
    todo: list[Iterator[Any]] = [iter([vars(state)])]
    while todo:  # not recursive: tasks, engines and lines are a long chain
        value = next(todo[-1], todo)
        if value is todo:
            todo.pop()
            continue
        parts = _parts(value)
        if parts is None:
            found.append(value)
        elif id(value) in places:
            found.append(places[id(value)])
        else:
            places[id(value)] = len(places)
            found.append(type(value))
            todo.append(iter(parts))
    return found


def _parts(value: Any) -> Iterable[Any] | None:
    """Return what `value` holds; None if it cannot change, or is not the core's own."""
    match value:
        case dict():
            return [part for item in value.items() if item[0] not in OF_THE_EVENT for part in item]
        case set() | frozenset():
            return sorted(value)
        case count():
            return [repr(value)]
        case msgspec.Struct():
            frozen = value.__struct_config__.frozen
            return None if frozen else [getattr(value, name) for name in value.__struct_fields__]
        case list() | tuple():
            return value
    if type(value).__name__ == "deque":
        return list(value)
    return _fields(value) if type(value).__module__.startswith("engineroom.core") else None


def _fields(value: Any) -> list[Any] | None:
    """Return the attributes of an object of the core; None for members of its enumerations."""
    if hasattr(type(value), "__members__"):
        return None
    names = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    return [getattr(value, name, None) for name in names] + list(getattr(value, "__dict__", {}).values())
