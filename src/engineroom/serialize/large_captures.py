"""Warnings about functions that bring large variables along, and what to do instead."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from functools import partial
from types import FunctionType, MethodType
from typing import Any, NamedTuple

WORTH_A_WORD = 10 << 20
"""Bytes from which a variable is warned of."""

_WHEN = "It travels with the function, and again whenever it changes."
_OURS = __name__.partition(".")[0] + "."


class Carried(NamedTuple):
    """Something that travels with a function. `key` tells it apart; `what`: it in words; `advice`: what to do."""

    key: str
    what: str
    advice: str
    value: Any


def warn_of_size(function: Any, name: str, told: set[str]) -> None:
    """Warn of each large variable that travels with `function`, but for those in `told`, which is added to."""
    for carried in _carried(function, set()):
        if carried.key in told or (size := _size_of(carried.value)) < WORTH_A_WORD:
            continue
        told.add(carried.key)
        who = "a lambda" if name.endswith("<lambda>") else repr(name)
        text = f"{who} uses {carried.what} ({size / 1e6:.0f} MB). {_WHEN} {carried.advice}"
        warnings.warn(text, stacklevel=_depth_of_user())


def _carried(function: Any, seen: set[int]) -> Iterator[Carried]:
    """Yield what travels with `function`, and with the functions that it refers to."""
    if id(function) in seen:
        return
    seen.add(id(function))
    if isinstance(function, partial):
        for value in (function.func, *function.args, *function.keywords.values()):
            yield from _carried(value, seen)
            yield _other(value, "an argument of a partial")
    elif isinstance(function, MethodType):
        yield from _carried(function.__func__, seen)
        yield _other(function.__self__, f"the {type(function.__self__).__qualname__} that it belongs to,")
    elif isinstance(function, FunctionType):
        yield from _carried_by(function, seen)


def _carried_by(function: FunctionType, seen: set[int]) -> Iterator[Carried]:
    from engineroom.serialize.by_value import captured_by  # with cloudpickle; seldom needed here
    from engineroom.serialize.classes import importable

    if importable(function):
        return
    for name, value in captured_by(function).items():
        yield from _carried(value, seen)
        advice = f"To send it once, run `view[{name!r}] = {name}`: functions then use the engines' own {name!r}."
        yield Carried(name, f"the variable {name!r}", advice, value)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield from _carried(cell.cell_contents, seen)
            yield _other(cell.cell_contents, f"the variable {name!r} of an enclosing function")
        except ValueError:  # it has none yet
            continue
    for value in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
        yield _other(value, "a default value")


def _other(value: Any, what: str) -> Carried:
    advice = "To send it once, run `view['name'] = value`, and pass `engineroom.Reference('name')` as an argument."
    return Carried(f"{id(value)}", what, advice, value)


def _size_of(value: Any) -> int:
    """Return about how many bytes `value` takes on the wire; 0 for what travels by name or is looked into anyway."""
    if isinstance(value, FunctionType | type | partial) or value is None:
        return 0
    size = getattr(value, "nbytes", None)
    if isinstance(size, int):
        return size
    if isinstance(value, bytes | bytearray | str):
        return len(value)
    from engineroom.serialize import by_value  # with cloudpickle; seldom needed here

    buffers: list[Any] = []
    try:
        return len(by_value.dumps(value, buffers)) + sum(memoryview(buffer).nbytes for buffer in buffers)
    except Exception:  # noqa: BLE001 -- it is about a warning only
        return 0


def _depth_of_user() -> int:
    """Return the `stacklevel` of the line of the user's that called us."""
    frame, depth = sys._getframe(1), 1
    while frame.f_back is not None and f"{frame.f_globals.get('__name__', '')}.".startswith(_OURS):
        frame, depth = frame.f_back, depth + 1
    return depth
