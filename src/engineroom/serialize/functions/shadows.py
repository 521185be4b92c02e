"""Captured names that an engine's own variables hide: found when a function arrives, said at its client."""

from __future__ import annotations

import dis
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

from engineroom.serialize.functions.inner import original_of

_PLAIN = frozenset({bool, int, float, complex, str, bytes, tuple, frozenset})
_COMPARED = 1 << 20
"""Bytes up to which the contents of arrays are compared."""
_SHOWN = 40


def hidden_names(
    function: FunctionType, captured: dict[str, Any], namespace: dict[str, Any]
) -> Iterator[tuple[str, str, str]]:
    """Yield each captured name under which the namespace has something else: the name, that, and what was captured.

    Doubtful cases do not count, nor does a name that the function itself assigns to, or one captured as None.
    """
    written: frozenset[str] | None = None
    for name in sorted(captured.keys() & namespace.keys()):
        theirs, ours = namespace[name], captured[name]
        if theirs is ours or ours is None or not _differ(theirs, ours):
            continue
        if written is None:
            written = frozenset(_written(function.__code__))
        if name not in written:
            yield name, _short(theirs), _short(ours)


def _differ(one: Any, other: Any) -> bool:
    """Whether two values differ for certain; False if that would be costly to know."""
    kind = type(one)
    try:
        if kind in _PLAIN and type(other) in _PLAIN:
            return bool(one != other) and not _both_nan(one, other)
        if kind is not type(other) or isinstance(one, type):
            return True
        if kind is FunctionType:
            return _essence(one.__code__) != _essence(other.__code__)
        if isinstance(one, ModuleType):
            return bool(one.__name__ != other.__name__)
        return bool(_arrays_differ(one, other))
    except Exception:  # noqa: BLE001 -- a value of the user's may refuse to be compared
        return False


def _both_nan(one: Any, other: Any) -> bool:
    return bool(one != one and other != other)


def _essence(code: CodeType) -> tuple[Any, ...]:
    code = original_of(code)
    constants = tuple(_essence(part) if isinstance(part, CodeType) else (type(part), part) for part in code.co_consts)
    return code.co_code, code.co_names, constants


def _arrays_differ(one: Any, other: Any) -> bool:
    if not hasattr(one, "dtype") or not hasattr(one, "shape"):
        return False
    if one.shape != other.shape or str(one.dtype) != str(other.dtype):
        return True
    return hasattr(one, "tobytes") and one.nbytes <= _COMPARED and one.tobytes() != other.tobytes()


def _written(code: CodeType) -> Iterator[str]:
    for instruction in dis.get_instructions(code):
        if instruction.opname in {"STORE_GLOBAL", "DELETE_GLOBAL"}:
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _written(constant)


def _short(value: Any) -> str:
    if type(value) in _PLAIN:
        text = repr(value)
        return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
    if isinstance(value, FunctionType):
        return "a function"
    if isinstance(value, type):
        return "a class"
    shape = getattr(value, "shape", None)
    return f"{type(value).__qualname__} of shape {shape}" if isinstance(shape, tuple) else type(value).__qualname__
