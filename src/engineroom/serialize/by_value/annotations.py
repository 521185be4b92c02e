"""Annotations that are text, as with `from __future__ import annotations`: what they name travels in their place.

`typing.get_type_hints` evaluates such text in the globals of a function or in `__main__`, which are the engine's own
namespace there. So the text is evaluated where it was written. What can't be evaluated, such as names that only type
checkers import, stays text; so does all text if what it names can't be pickled.
"""

from __future__ import annotations

import builtins
import sys
import typing
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pickle import dumps, loads
from types import CodeType, FunctionType, UnionType
from typing import Any

from engineroom.serialize.by_value.origins import importable

_BUILTINS = vars(builtins)
_CONSTANTS = frozenset({type(None), bool, int, str, bytes, type(...)})
_MADE = frozenset({typing.TypeVar, typing.ParamSpec, typing.TypeVarTuple, typing.NewType})
"""What scripts make of `typing`."""
_USUAL = frozenset({list, dict, set, tuple, typing.Union, UnionType, typing.Literal})


class Imported:
    """An annotation of importable classes: text again where one of them is not installed."""

    __slots__ = ("_text", "_value")

    def __init__(self, text: object, value: object) -> None:
        self._text, self._value = text, value

    def __reduce__(self) -> tuple[Any, ...]:
        return _imported, (self._text, dumps(self._value, 5))


def annotations_of_function(function: FunctionType, found: dict[str, Any]) -> dict[str, Any]:
    """Return `found`, the annotations of `function`, evaluated as far as possible."""
    if not any(map(_is_open, found.values())):
        return found
    parameters = {each.__name__: each for each in getattr(function, "__type_params__", ())}
    return _evaluated(found, function.__globals__, parameters)


def annotations_of_class(cls: type, found: dict[str, Any]) -> dict[str, Any]:
    """Return `found`, the annotations of `cls`, evaluated as far as possible."""
    if not any(map(_is_open, found.values())):
        return found
    known = getattr(sys.modules.get(cls.__module__), "__dict__", {})
    parameters = {each.__name__: each for each in getattr(cls, "__type_params__", ())}
    return _evaluated(found, {**vars(cls), **known}, parameters)


def _is_open(value: object) -> bool:
    """Whether an annotation is text, or has text in it."""
    if isinstance(value, type):
        return False
    return isinstance(value, str | typing.ForwardRef) or any(map(_is_open, typing.get_args(value)))


def _evaluated(found: dict[str, Any], known: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _value_of(text, known, parameters)
        if _is_open(text)
        else text  # types that are evaluated stay as they are
        for name, text in found.items()
    }


def _value_of(text: object, known: dict[str, Any], parameters: Mapping[str, Any]) -> Any:
    code = _code_of(text) if isinstance(text, str) else None
    if isinstance(text, str) and (code is None or not _reads(code, known)):
        return text
    try:
        value = None if code is None else eval(code, known, parameters)
        if value is None or _is_open(value) or not _is_usual(value):
            holder = type("_", (), {"__annotations__": {"it": text}})
            value = typing.get_type_hints(holder, known, {**known, **parameters}, include_extras=True)["it"]
        if value == text:
            return text
        leaves = list(_leaves(value))
        if all(map(_is_plain, leaves)):
            return Imported(text, value)
        return text if any(map(_may_be_missing, leaves)) else value
    except Exception:  # noqa: BLE001 -- any text may be there, and any object may be what it names
        return text


@lru_cache(2000)
def _code_of(text: str) -> CodeType | None:
    try:
        return compile(text, "<annotation>", "eval", dont_inherit=True)
    except (SyntaxError, ValueError):
        return None


def _reads(code: CodeType, known: Mapping[str, Any]) -> bool:
    """Whether an engine may not know what `code` names."""
    return any(name in known and name not in _BUILTINS for name in code.co_names)


def _is_usual(value: object) -> bool:
    """Whether `value` is an annotation for certain, as `get_type_hints` would find out."""
    return isinstance(value, type) or typing.get_origin(value) in _USUAL


def _leaves(value: Any) -> Iterator[Any]:
    """Yield what an annotation consists of."""
    if isinstance(value, list | tuple):  # the parameters of a Callable, what Annotated adds
        parts: tuple[Any, ...] = tuple(value)
    else:
        origin = typing.get_origin(value)
        parts = () if origin is None else (origin, *typing.get_args(value))
    if not parts:
        yield value
    for part in parts:
        yield from _leaves(part)


def _is_plain(leaf: Any) -> bool:
    """Whether plain pickle sends it as its name, or it is a constant."""
    if isinstance(leaf, type):
        return importable(leaf)
    return type(leaf) in _CONSTANTS or (type(leaf).__module__ == "typing" and type(leaf) not in _MADE)


def _may_be_missing(leaf: Any) -> bool:
    """Whether an engine may lack the package that has it."""
    if not isinstance(leaf, type) or not importable(leaf):
        return False
    root = leaf.__module__.partition(".")[0]
    return root not in sys.stdlib_module_names and root != "engineroom"


def _imported(text: object, data: bytes) -> Any:
    try:
        return loads(data)
    except Exception:  # noqa: BLE001 -- not installed here, or another version of it
        return text
