"""Whether a function is still what it was when it was packed.

Only for functions made of immutable things, as far as can be told: its code, defaults, closure and the
globals it refers to, and those of the functions among them that travel by value.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, ModuleType
from typing import Any

from engineroom.serialize.by_value.origins import importable
from engineroom.serialize.by_value.pickler import captured_by
from engineroom.serialize.functions.code_facts import facts_of
from engineroom.serialize.payloads import modules_by_value

_ATOMS = frozenset(
    {type(None), bool, int, float, complex, str, bytes, range, type(...), type(NotImplemented), re.Pattern}
)
_ABSENT = object()
_LARGEST = 1000
"""A longer tuple counts as unknown."""


_Parts = tuple[CodeType, tuple[Any, ...] | None, dict[str, Any] | None]


def _parts(function: FunctionType) -> _Parts:
    return function.__code__, function.__defaults__, function.__kwdefaults__


def _changed(function: FunctionType, parts: _Parts) -> bool:
    code, defaults, keywords = parts
    return (
        function.__code__ is not code
        or function.__defaults__ is not defaults
        or function.__kwdefaults__ is not keywords
    )


class Sameness:
    """Compares a callable, and all that it refers to, with what was there before, object by object."""

    __slots__ = ("_cells", "_functions", "_lookups", "_own", "_registered")

    def __init__(self) -> None:
        self._registered = frozenset(modules_by_value())
        self._own: _Parts | None = None
        self._functions: list[tuple[FunctionType, _Parts]] = []
        self._cells: list[tuple[CellType, object]] = []
        self._lookups: list[tuple[Callable[[str, object], object], str, object]] = []

    def holds(self, function: Any) -> bool:
        """Whether everything is the same objects as before: about 50 ns for each name referred to."""
        if self._registered != modules_by_value() or (self._own is not None and _changed(function, self._own)):
            return False
        for get, name, value in self._lookups:
            if get(name, _ABSENT) is not value:
                return False
        return not (self._functions or self._cells) or self._others_hold()

    def _others_hold(self) -> bool:
        if any(_changed(function, parts) for function, parts in self._functions):
            return False
        try:
            return all(cell.cell_contents is content for cell, content in self._cells)
        except ValueError:  # one was emptied
            return False

    def watches(self, function: object) -> bool:
        """Note all that `function` is made of; whether all of it can be compared. Once for each instance."""
        if isinstance(function, FunctionType):
            self._own = _parts(function)
            return importable(function) or self._notes_parts(function, {id(function)})
        return self._settles(function, set())

    def watches_also(self, lookups: Sequence[tuple[Callable[[str, object], object], str, object]]) -> None:
        """Note what else is to be found as it is now."""
        self._lookups.extend(lookups)

    def _settles(self, value: Any, seen: set[int]) -> bool:
        """Whether `value` will pickle the same for as long as it is there and what was noted holds."""
        kind = type(value)
        if kind in _ATOMS or id(value) in seen:
            return True
        if kind is tuple or kind is frozenset:
            return len(value) <= _LARGEST and all(self._settles(item, seen) for item in value)
        if isinstance(value, type):
            return importable(value)
        if kind is FunctionType:
            if importable(value):
                return True
            seen.add(id(value))
            self._functions.append((value, _parts(value)))
            return self._notes_parts(value, seen)
        if kind is functools.partial:
            parts = (value.func, *value.args, *value.keywords.values())
            return not value.__dict__ and all(self._settles(part, seen) for part in parts)
        return _is_by_reference(value)

    def _notes_parts(self, function: FunctionType, seen: set[int]) -> bool:
        facts = facts_of(function.__code__)
        if facts.rebinds:
            return False
        captured = captured_by(function)
        get = function.__globals__.get
        self._lookups.extend((get, name, get(name, _ABSENT)) for name in facts.reads)
        parts = [*captured.values(), *(function.__defaults__ or ())]
        for namespace in (function.__kwdefaults__, function.__dict__):
            if namespace:
                self._lookups.extend((namespace.get, name, value) for name, value in namespace.items())
                parts.extend(namespace.values())
        try:
            contents = [(cell, cell.cell_contents) for cell in function.__closure__ or ()]
        except ValueError:  # one is empty
            return False
        self._cells.extend(contents)
        parts.extend(content for _, content in contents)
        return all(self._settles(part, seen) for part in parts)


def _is_by_reference(value: Any) -> bool:
    """Whether `value`, neither a function nor a class, travels as a name."""
    if isinstance(value, ModuleType):
        return True
    if isinstance(value, BuiltinFunctionType):
        return value.__self__ is None or isinstance(value.__self__, ModuleType)
    return type(value).__qualname__ == "ufunc" and type(value).__module__ == "numpy"
