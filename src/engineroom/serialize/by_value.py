"""Pickles with definitions inside, for what the far end can't import.

cloudpickle's pickler, with our ways for interactive functions (see `interactive`), for classes, and for
some things of the standard library that cloudpickle can't send.
"""

from __future__ import annotations

import builtins
import dataclasses
import functools
import io
import sys
from collections import ChainMap
from collections.abc import Callable, Iterable
from pickle import PickleBuffer
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any, cast
from weakref import WeakKeyDictionary, WeakSet

import cloudpickle.cloudpickle as theirs

from engineroom.errors import PackError
from engineroom.serialize.buffers import restore_memoryview
from engineroom.serialize.code_facts import facts_of
from engineroom.serialize.interactive import EMPTY, Scope, furnish, make_function

_ATTRIBUTES = (
    "__name__",
    "__qualname__",
    "__module__",
    "__doc__",
    "__defaults__",
    "__kwdefaults__",
    "__annotations__",
)
_LOCAL_NAMES = frozenset(
    {"__builtins__", "__name__", "__doc__", "__spec__", "__loader__", "__package__"}
    | {"get_ipython", "In", "Out", "exit", "quit"}
)
"""Names that mean something else in each process."""

_received: WeakSet[type] = WeakSet()
"""Classes that came by value; those defined here are never changed by what comes back."""


def dumps(value: object, buffer_callback: Callable[[PickleBuffer], Any] | None = None) -> bytes:
    """Return a pickle of `value` with what can't be imported by value. Raises whatever its parts raise."""
    with io.BytesIO() as file:
        ByValuePickler(file, buffer_callback=buffer_callback).dump(value)
        return file.getvalue()


def importable(value: FunctionType | type) -> bool:
    """Whether the far end gets this function or class by importing it."""
    return bool(theirs._should_pickle_by_reference(value))


class ByValuePickler(theirs.Pickler):  # type: ignore[misc]  # cloudpickle has no types
    """One pickle; functions from the same interactive namespace share a scope in it."""

    def __init__(self, file: io.BytesIO, buffer_callback: Callable[[PickleBuffer], Any] | None = None) -> None:
        super().__init__(file, protocol=5, buffer_callback=buffer_callback)
        self._scopes: dict[int, Scope] = {}
        self._cells: dict[int, _CellToFill] = {}

    def reducer_override(self, value: Any) -> Any:
        if type(value) is FunctionType and is_interactive(value):
            return self._reduce_interactive(value)
        reduced = super().reducer_override(value)
        if type(reduced) is tuple and reduced[-1] is theirs._class_setstate:
            make, args, state = reduced[:3]
            return _make_class, (make, *args), state, None, None, _set_class_state
        return reduced

    def _reduce_interactive(self, function: FunctionType) -> tuple[Any, ...]:
        code = function.__code__
        captured = captured_by(function)
        scope = self._scopes.setdefault(id(function.__globals__), Scope())
        cells = function.__closure__
        empty = None if cells is None else [self._cells.setdefault(id(cell), _CellToFill()) for cell in cells]
        state = (
            scope,
            captured,
            {name: getattr(function, name) for name in _ATTRIBUTES},
            function.__dict__,
            cells and tuple(_contents(cell) for cell in cells),
            tuple(_imported_below(captured.values(), facts_of(code).names)),
        )
        return make_function, (code, scope, bool(captured), empty and tuple(empty)), state, None, None, furnish


def is_interactive(function: FunctionType) -> bool:
    """Whether it was defined in a notebook, a script, or a namespace that acts as one."""
    return function.__globals__.get("__name__") == "__main__"


def captured_by(function: FunctionType) -> dict[str, Any]:
    """Return the globals that `function` refers to, as far as they exist and mean something elsewhere."""
    known = function.__globals__
    names = facts_of(function.__code__).reads
    captured = {name: known[name] for name in names if name in known and name not in _LOCAL_NAMES}
    brought = cast(Any, function).__builtins__  # mypy's opinion of it depends on its cache
    if brought is not vars(builtins):  # this function came here with captured names of its own
        for name in names:
            if name not in known and name in brought and brought[name] is not getattr(builtins, name, None):
                captured[name] = brought[name]
    return captured


class _CellToFill:
    """Stands for a cell of a closure; functions that share a cell share it where they arrive."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return CellType, ()


def _contents(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return EMPTY


def _imported_below(captured: Iterable[object], names: frozenset[str]) -> Iterable[ModuleType]:
    """Yield modules inside captured packages that the code names: `import a.b` captures only `a`."""
    for value in captured:
        if isinstance(value, ModuleType) and hasattr(value, "__path__"):
            below = [sys.modules.get(f"{value.__name__}.{name}") for name in sorted(names)]
            inner = [module for module in below if isinstance(module, ModuleType)]
            yield from inner
            yield from _imported_below(inner, names)


def _make_class(make: Callable[..., type], *args: Any) -> type:
    """Return the class with this tracker id, if it is known here, else a new one to be filled."""
    known = theirs._DYNAMIC_CLASS_TRACKER_BY_ID.get(args[-2])
    if isinstance(known, type):
        return known
    made = make(*args)
    _received.add(made)
    return made


def _set_class_state(made: type, state: tuple[dict[str, Any], dict[str, Any]]) -> None:
    if made in _received:
        theirs._class_setstate(made, state)


def _make_code(version: tuple[int, int], *args: Any) -> CodeType:
    if version != sys.version_info[:2]:
        ours = ".".join(map(str, sys.version_info[:2]))
        raise PackError(
            f"the code of {args[11]!r} is for Python {version[0]}.{version[1]}, and this is Python {ours}: "
            "functions and classes that can't be imported travel only between processes of the same version"
        )
    return CodeType(*args)


def _reduce_code(code: CodeType) -> tuple[Any, ...]:
    _, args = theirs._code_reduce(code)
    return _make_code, (sys.version_info[:2], *args)


def _reduce_memoryview(view: memoryview) -> tuple[Any, ...]:
    if not view.c_contiguous:
        return restore_memoryview, (PickleBuffer(view.tobytes()), view.format, view.shape)
    return restore_memoryview, (PickleBuffer(view), view.format, view.shape)


def _make_cached(function: Callable[..., Any], parameters: dict[str, Any]) -> Any:
    return functools.lru_cache(**parameters)(function)


def _reduce_cached(function: Any) -> Any:
    if function.__module__ != "__main__" and _found(function):
        return function.__qualname__
    return _make_cached, (function.__wrapped__, function.cache_parameters())


def _found(function: Any) -> bool:
    found: Any = sys.modules.get(function.__module__)
    for name in function.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is function


def _make_cached_property(function: Callable[[Any], Any], name: str | None) -> Any:
    made: Any = functools.cached_property(function)
    made.attrname = name
    return made


def _reduce_cached_property(value: functools.cached_property[Any]) -> tuple[Any, ...]:
    return _make_cached_property, (value.func, value.attrname)


ByValuePickler.dispatch_table = ChainMap(
    {
        CodeType: _reduce_code,
        memoryview: _reduce_memoryview,
        type(functools.lru_cache(len)): _reduce_cached,
        functools.cached_property: _reduce_cached_property,
        WeakKeyDictionary: lambda mapping: (WeakKeyDictionary, (dict(mapping),)),  # in `functools.singledispatch`
        # These are told apart by identity.
        type(dataclasses.MISSING): lambda _: "MISSING",
        type(dataclasses.KW_ONLY): lambda _: "KW_ONLY",
        type(dataclasses._HAS_DEFAULT_FACTORY): lambda _: "_HAS_DEFAULT_FACTORY",  # type: ignore[attr-defined]
    },
    theirs.Pickler.dispatch_table,
)
