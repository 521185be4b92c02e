"""What a value is made of, and how each part is reached."""

from __future__ import annotations

import copyreg
import functools
from collections import deque
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from types import FunctionType, MethodType
from typing import Any, NamedTuple

from engineroom.serialize.by_value import pickler
from engineroom.serialize.by_value.origins import importable
from engineroom.serialize.functions.code_facts import facts_of

_LONGEST = 60
_OF_EACH_CLASS = frozenset({"__dict__", "__weakref__", "__module__", "__doc__", "__abstractmethods__", "_abc_impl"})


class Part(NamedTuple):
    """A part of a value. `path`: what is written behind the value to reach it, as ".lock" or "[3]".

    With `clause`, a part that no expression reaches: `path` is what it is called there, as the name of a global,
    and `clause` goes between that and the value: "uses the global 'conn'".
    """

    path: str
    value: Any
    clause: str | None = None


def parts_of(value: Any) -> Iterator[Part]:
    """Yield the parts of `value`, those that people know it by first."""
    match value:
        case FunctionType():
            yield from _of_function(value)
        case MethodType():
            yield Part(".__self__", value.__self__)
            yield Part(".__func__", value.__func__)
        case staticmethod() | classmethod():
            yield Part("", value.__func__)
        case property():
            yield from (Part(f".{name}", part) for name in ("fget", "fset", "fdel") if (part := getattr(value, name)))
        case functools.partial():
            yield Part(".func", value.func)
            yield from (Part(f".args[{number}]", part) for number, part in enumerate(value.args))
            yield from (Part(f".keywords[{name!r}]", part) for name, part in value.keywords.items())
        case type():
            own = ((name, part) for name, part in vars(value).items() if name not in _OF_EACH_CLASS)
            yield from (Part(f".{name}", part) for name, part in own)
            yield from (Part(f".__bases__[{number}]", base) for number, base in enumerate(value.__bases__))
        case _:
            yield from _of_container(value)
            yield from _of_object(value)


def _of_function(function: FunctionType) -> Iterator[Part]:
    if importable(function):
        return
    for name, part in _globals_of(function).items():
        yield Part(name, part, f"uses the global {name!r}")
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield Part(name, cell.cell_contents, f"uses {name!r} of an enclosing function")
        except ValueError:
            continue  # not assigned yet
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    defaults = function.__defaults__ or ()
    by_name = [
        *zip(names[len(names) - len(defaults) :], defaults, strict=True),
        *(function.__kwdefaults__ or {}).items(),
    ]
    yield from (Part(name, part, f"has a default for {name!r}") for name, part in by_name)
    yield from (Part(f".{name}", part) for name, part in function.__dict__.items())
    yield from (Part(f".__annotations__[{name!r}]", part) for name, part in function.__annotations__.items())


def _globals_of(function: FunctionType) -> dict[str, Any]:
    if pickler.is_interactive(function):
        return pickler.captured_by(function)
    names = facts_of(function.__code__).reads
    return {name: function.__globals__[name] for name in names if name in function.__globals__}


def _of_container(value: Any) -> Iterator[Part]:
    if isinstance(value, Mapping):
        yield from (Part(f"[{_short(key)}]", part) for key, part in value.items())
        yield from (Part("that key", key, f"has the key {_short(key)}") for key in value)
    elif isinstance(value, list | tuple | deque):
        names = getattr(value, "_fields", ())
        yield from (
            Part(f".{names[index]}" if index < len(names) else f"[{index}]", part) for index, part in enumerate(value)
        )
    elif isinstance(value, AbstractSet):
        yield from (Part("that member", part, f"has the member {_short(part)}") for part in value)
    elif isinstance(value, BaseException):
        yield from (Part(f".args[{number}]", part) for number, part in enumerate(value.args))
    elif callable(getattr(value, "items", None)) and hasattr(value, "columns"):  # a table
        yield from (Part(f"[{name!r}]", column) for name, column in value.items())
    elif callable(getattr(value, "tolist", None)) and getattr(getattr(value, "dtype", None), "hasobject", False):
        flat = value.ravel().tolist()
        yield from (Part(f".flat[{index}]", part) for index, part in enumerate(flat))


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _of_object(value: Any) -> Iterator[Part]:
    """Yield attributes, and what the object itself says that it is made of."""
    own = getattr(value, "__dict__", {})
    slots = ((name, getattr(value, name)) for name in _slots(type(value)) if hasattr(value, name))
    own_state = _own_state(value)
    if own_state is None:
        yield from (Part(f".{name}", part) for name, part in [*own.items(), *slots])
    else:
        yield from own_state
    if not importable(type(value)):
        yield Part(type(value).__name__, type(value), f"is a {type(value).__name__!r}")


def _slots(kind: type) -> list[str]:
    names: list[str] = copyreg._slotnames(kind)  # type: ignore[attr-defined]
    return names


def _own_state(value: Any) -> Iterator[Part] | None:
    """Return the parts that a value with a way of its own to be pickled names; None: it has none."""
    kind: Any = type(value)
    if "__getstate__" in dir(kind) and kind.__getstate__ is not object.__getstate__:
        state = value.__getstate__()
        if isinstance(state, dict):
            return (Part(f".{name}", part) for name, part in state.items())
        return iter([Part(".__getstate__()", state)])
    if kind.__reduce__ is object.__reduce__ and kind.__reduce_ex__ is object.__reduce_ex__:
        return None
    reduced = value.__reduce_ex__(5)
    return _of_reduced(reduced) if isinstance(reduced, tuple) else iter(())


def _of_reduced(reduced: tuple[Any, ...]) -> Iterator[Part]:
    for number, part in enumerate(reduced[:3]):
        if number == 2 and isinstance(part, dict):
            yield from (Part(f".{name}", attribute) for name, attribute in part.items())
        elif part is not None:
            yield Part(f".__reduce__()[{number}]", part)
