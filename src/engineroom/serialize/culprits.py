"""Which part of a value can't travel, in words."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from itertools import islice
from types import FunctionType, MethodType
from typing import Any

from engineroom.serialize import by_value
from engineroom.serialize.interactive import home

_DEPTH = 10
_PARTS = 1000

_RESULT_INSTEAD = "futures are not available as arguments yet. Until then, wait for the result and send that: "
_INSTEAD = {
    "engineroom.client.results.AsyncResult": f"{_RESULT_INSTEAD}`ar.get()`",
    "concurrent.futures._base.Future": f"{_RESULT_INSTEAD}`future.result()`",
    "_asyncio.Future": f"{_RESULT_INSTEAD}`await future`",
    "asyncio.futures.Future": f"{_RESULT_INSTEAD}`await future`",
    "distributed.client.Future": f"{_RESULT_INSTEAD}`future.result()`",
    "builtins.coroutine": "call the `async def` function on the engine: send the function, and its arguments",
}
"""What to send in place of what can't travel, by the full names of types."""


def explain(value: object, what: str, error: BaseException) -> str:
    """Return a sentence that names the innermost part of `value` that can't be packed.

    `what` names `value` itself, "" stands for a description of it. `error` is what packing it raised.
    """
    whole = f"{what} ({kind_of(value)})" if what else _described(value)
    clauses = []
    if not _too_deep(error):
        for _ in range(_DEPTH):
            found = _failing_part(value)
            if found is None:
                break
            clause, value, error = found
            clauses.append(f"{clause} {kind_of(value)}; ")
    far = "an engine" if home.namespace is None else "the client"
    return f"{whole} can't be sent to {far}: {''.join(clauses)}{_advice(value) or _reason(error)}"


def kind_of(value: object) -> str:
    """Return "a 'module.Type'", without the module for built-in types."""
    kind = type(value)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return f"a '{module}{kind.__qualname__}'"


def _described(value: object) -> str:
    name = getattr(value, "__qualname__", None)
    if isinstance(value, type):
        return f"the class {name!r}"
    return f"the function {name!r}" if callable(value) and isinstance(name, str) else kind_of(value)


def _reason(error: BaseException) -> str:
    if _too_deep(error):
        return "it is nested too deeply"
    return str(error) or type(error).__name__


def _advice(value: object) -> str:
    """Return what to send instead of `value`, "" for all that need no words of ours."""
    for kind in type(value).__mro__:
        if advice := _INSTEAD.get(f"{kind.__module__}.{kind.__qualname__}"):
            return advice
    return ""


def _too_deep(error: BaseException) -> bool:
    return isinstance(error, RecursionError) or isinstance(error.__cause__, RecursionError)


def _failing_part(value: object) -> tuple[str, object, BaseException] | None:
    if _advice(value):
        return None  # whatever it is made of is not the point
    for clause, part in islice(_parts(value), _PARTS):
        try:
            by_value.dumps(part)
        except Exception as error:  # noqa: BLE001 -- whatever it is, this is the culprit
            return clause, part, error
    return None


def _parts(value: Any) -> Iterator[tuple[str, object]]:
    """Yield what `value` is made of, each with the beginning of a clause that ends with the part's kind."""
    match value:
        case FunctionType():
            yield from _parts_of_function(value)
        case MethodType():
            yield "it belongs to", value.__self__
            yield "it is", value.__func__
        case functools.partial():
            yield "it calls", value.func
            yield from ((f"its argument {number} is", part) for number, part in enumerate(value.args, 1))
            yield from ((f"its argument {name!r} is", part) for name, part in value.keywords.items())
        case dict():
            yield from ((f"its item {key!r} is", part) for key, part in value.items())
            yield from (("one of its keys is", key) for key in value)
        case list() | tuple():
            yield from ((f"its item {index} is", part) for index, part in enumerate(value))
        case set() | frozenset():
            yield from (("one of its members is", part) for part in value)
        case type():
            yield from ((f"its attribute {name!r} is", part) for name, part in vars(value).items() if _own(name))
        case _:
            yield from ((f"its attribute {name!r} is", part) for name, part in _attributes(value).items())


def _attributes(value: object) -> dict[str, object]:
    """Return what `value` is made of; nothing if it refuses to be pickled itself, and so says why."""
    try:
        value.__reduce_ex__(5)
    except Exception:  # noqa: BLE001 -- any object may refuse in its own way
        return {}
    found: dict[str, object] = getattr(value, "__dict__", {})
    return found


def _own(name: str) -> bool:
    return name not in {"__dict__", "__weakref__"}


def _parts_of_function(function: FunctionType) -> Iterator[tuple[str, object]]:
    for name, part in by_value.captured_by(function).items():
        yield f"it refers to {name!r},", part
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield f"it uses {name!r} of an enclosing function,", cell.cell_contents
        except ValueError:
            continue  # not assigned yet
    for part in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
        yield "one of its defaults is", part
    yield from ((f"its attribute {name!r} is", part) for name, part in function.__dict__.items())
