"""Warnings about functions that bring large variables along, and what to do instead."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import partial
from types import FunctionType, MethodType
from typing import Any, NamedTuple

from engineroom.errors.users_line import stacklevel

WORTH_A_WORD = 10 << 20
"""Bytes from which a variable is warned of."""

_WHEN = "It is sent with the function, and again whenever it changes."


class Carried(NamedTuple):
    """Something that travels with a function. `key` tells it apart; `what`: it in words; `name`: a name for it."""

    key: str
    what: str
    name: str
    value: Any


def warn_of_size(function: Any, name: str, told: set[str]) -> None:
    """Warn of each large variable that travels with `function`, but for those in `told`, which is added to."""
    for carried in _carried(function, set()):
        if carried.key in told or (size := _size_of(carried.value)) < WORTH_A_WORD:
            continue
        told.add(carried.key)
        who = "a lambda" if name.endswith("<lambda>") else repr(name)
        text = f"{who} uses {carried.what} ({size / 1e6:.0f} MB). {_WHEN} {_advice(carried.name)}"
        warnings.warn(text, stacklevel=stacklevel())


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
    from engineroom.serialize.by_value.origins import importable
    from engineroom.serialize.by_value.pickler import captured_by  # with cloudpickle; seldom needed here

    if importable(function):
        return
    for name, value in captured_by(function).items():
        yield from _carried(value, seen)
        yield Carried(name, f"the variable {name!r}", name, value)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield from _carried(cell.cell_contents, seen)
            value = cell.cell_contents
            yield Carried(f"{id(value)}", f"the variable {name!r} of an enclosing function", name, value)
        except ValueError:  # it has none yet
            continue
    for value in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
        yield _other(value, "a default value")


def _advice(name: str) -> str:
    return (
        f"To keep it on the engines instead, run `view[{name!r}] = {name}`, "
        f"and pass `engineroom.Reference({name!r})` to the function as an argument."
    )


def _other(value: Any, what: str) -> Carried:
    return Carried(f"{id(value)}", what, "data", value)


def _size_of(value: Any) -> int:
    """Return about how many bytes `value` takes on the wire; 0 for what travels by name or is looked into anyway."""
    if isinstance(value, FunctionType | type | partial) or value is None:
        return 0
    size = getattr(value, "nbytes", None)
    if isinstance(size, int):
        return size
    if isinstance(value, bytes | bytearray | str):
        return len(value)
    from engineroom.serialize.by_value import pickler  # with cloudpickle; seldom needed here

    buffers: list[Any] = []
    try:
        return len(pickler.dumps(value, buffers)) + sum(memoryview(buffer).nbytes for buffer in buffers)
    except Exception:  # noqa: BLE001 -- it is about a warning only
        return 0
