"""Pickles with definitions inside, for what the far end can't import.

cloudpickle's pickler, with our ways for interactive functions (see `interactive`), for classes (see `classes`), and for
some things of the standard library that cloudpickle can't send (see `standard_ways`).
"""

from __future__ import annotations

import builtins
import io
import sys
from collections import ChainMap
from collections.abc import Callable, Iterable
from pickle import PickleBuffer
from types import CellType, FunctionType, ModuleType
from typing import Any

import cloudpickle.cloudpickle as theirs

from engineroom.serialize.buffers import keeper, large
from engineroom.serialize.by_value.annotations import annotations_of_class, annotations_of_function
from engineroom.serialize.by_value.classes import reduce_class
from engineroom.serialize.by_value.instances import Way, way_of
from engineroom.serialize.by_value.origins import HEAP_TYPE
from engineroom.serialize.by_value.standard_ways import WAYS
from engineroom.serialize.failures.exceptions import reduce_exception
from engineroom.serialize.functions.code_facts import facts_of
from engineroom.serialize.functions.declared import declared
from engineroom.serialize.functions.evaluation import Evaluator
from engineroom.serialize.functions.interactive import EMPTY, Scope, brought_by, furnish, make_function
from engineroom.serialize.functions.ipython_names import is_of_ipython
from engineroom.serialize.functions.large_parts import LARGE

_ATTRIBUTES = (
    "__name__",
    "__qualname__",
    "__module__",
    "__doc__",
    "__defaults__",
    "__kwdefaults__",
    "__annotations__",
)
_LOCAL_NAMES = frozenset({"__builtins__", "__name__", "__spec__", "__loader__", "__package__"})
"""Names that mean something else in each process."""


_ways_of_python: dict[type, Way | None] = {}


def dumps(value: object, buffers: list[PickleBuffer] | None = None, kind: type[ByValuePickler] | None = None) -> bytes:
    """Return a pickle of `value` with what can't be imported by value. Raises whatever its parts raise.

    `buffers`: see `payloads.pickled`; `kind`: of pickler. Exceptions keep their causes and contexts, unless
    these can't travel.
    """
    make = kind or ByValuePickler
    keep = None if buffers is None else keeper(buffers)
    with io.BytesIO() as file:
        pickler = make(file, buffer_callback=keep)
        try:
            pickler.dump(value)
        except Exception:
            if not pickler.chains and not pickler.evaluated:
                raise
            _begin_again(file, buffers)
            plainer = make(file, buffer_callback=keep, evaluates=False)
            try:
                plainer.dump(value)
            except Exception:
                if not plainer.chains:
                    raise
                _begin_again(file, buffers)
                make(file, buffer_callback=keep, chained=False, evaluates=False).dump(value)
        return file.getvalue()


def _begin_again(file: io.BytesIO, buffers: list[PickleBuffer] | None) -> None:
    file.seek(0)
    file.truncate()
    if buffers:
        buffers.clear()


class ByValuePickler(theirs.Pickler):  # type: ignore[misc]  # cloudpickle has no types
    """One pickle; functions from the same interactive namespace share a scope in it.

    `chained`: exceptions bring along their causes and contexts. `chains`: whether one has such. `evaluates`: text in
    annotations is evaluated. `evaluated`: whether there was any.
    """

    def __init__(
        self,
        file: io.BytesIO,
        buffer_callback: Callable[[PickleBuffer], Any] | None = None,
        *,
        chained: bool = True,
        evaluates: bool = True,
    ) -> None:
        super().__init__(file, protocol=5, buffer_callback=buffer_callback)
        self._ways = _ways_of_python.copy()
        self._scopes: dict[tuple[int, int], Scope] = {}
        self.chains = self.evaluated = False
        self._chained, self._evaluates = chained, evaluates
        self._cells: dict[int, _CellToFill] = {}
        self._least = LARGE if buffer_callback is not None else 0
        self._large: dict[int, tuple[object, Any]] = {}

    def reducer_override(self, value: Any) -> Any:
        kind = type(value)
        if kind is FunctionType:
            return self._reduce_interactive(value) if is_interactive(value) else self._function_reduce(value)
        if kind is type:
            return self._reduce_class(value)
        way = self._ways[kind] if kind in self._ways else self._find_way(kind)
        if way is reduce_class:  # not a method in `_ways`, which would be a reference cycle
            return self._reduce_class(value)
        return NotImplemented if way is None else way(value)

    def _find_way(self, kind: type) -> Way | None:
        if issubclass(kind, type):
            way: Way | None = reduce_class
        elif issubclass(kind, BaseException):
            way = self._reduce_exception
        else:
            way = way_of(kind, self.dispatch_table)
            if not kind.__flags__ & HEAP_TYPE:  # written in C: it does not change
                _ways_of_python[kind] = way
        self._ways[kind] = way
        return way

    def _reduce_class(self, cls: type) -> Any:
        reduced = reduce_class(cls)
        if type(reduced) is tuple and len(reduced) > 2 and self._evaluates:
            self._evaluate(reduced[2][0], annotations_of_class, cls)
        return reduced

    def _evaluate(self, attributes: dict[str, Any], way: Callable[..., dict[str, Any]], of: object) -> None:
        """Have `attributes` contain annotations as `way` gives them."""
        found = attributes.get("__annotations__")
        if found and type(found) is dict:
            attributes["__annotations__"] = evaluated = way(of, found)
            self.evaluated |= evaluated is not found

    def _reduce_exception(self, value: BaseException) -> Any:
        if reduced := reduce_exception(value, chained=self._chained):
            self.chains |= value.__cause__ is not None or value.__context__ is not None
            return reduced
        otherwise = way_of(type(value), self.dispatch_table)
        return NotImplemented if otherwise is None else otherwise(value)

    def _reduce_interactive(self, function: FunctionType) -> tuple[Any, ...]:
        code = function.__code__
        captured = captured_by(function)
        # Those that came here from elsewhere have our namespace, too, but what they captured is their own.
        origin = id(function.__globals__), id(brought_by(function))
        scope = self._scopes.setdefault(origin, Scope())
        cells = function.__closure__
        empty = None if cells is None else [self._cells.setdefault(id(cell), _CellToFill()) for cell in cells]
        attributes = _attributes_of(function)
        if self._evaluates:
            self._evaluate(attributes, annotations_of_function, function)
        state = (
            scope,
            {name: self._apart(value) for name, value in captured.items()},
            attributes,
            function.__dict__,
            cells and tuple(self._apart(_contents(cell)) for cell in cells),
            tuple(_imported_below(captured.values(), facts_of(code).names)),
        )
        return make_function, (code, scope, bool(captured), empty and tuple(empty)), state, None, None, furnish

    def _apart(self, value: Any) -> Any:
        """Return what stands for large bytes, the same for the same ones; any other value itself."""
        if not self._least or type(value) not in {bytes, bytearray}:
            return value
        if id(value) not in self._large:
            self._large[id(value)] = value, large(value, self._least)
        return self._large[id(value)][1]


def _attributes_of(function: FunctionType) -> dict[str, Any]:
    attributes = {name: getattr(function, name) for name in _ATTRIBUTES}
    if parameters := getattr(function, "__type_params__", ()):  # from Python 3.12 on
        attributes["__type_params__"] = parameters
    return attributes


def is_interactive(function: FunctionType) -> bool:
    """Whether it was defined in a notebook, a script, or a namespace that acts as one, or is declared to be such."""
    return function.__globals__.get("__name__") == "__main__" or function in declared


def captured_by(function: FunctionType) -> dict[str, Any]:
    """Return the globals that `function` refers to, as far as they exist and mean something elsewhere."""
    known = function.__globals__
    names = facts_of(function.__code__).reads
    captured = {name: known[name] for name in names if name in known and not _is_local(name, known[name])}
    brought = brought_by(function)
    if brought is not None:  # this function came here with captured names of its own
        for name in names:
            if name not in known and name in brought and _is_captured(name, brought[name]):
                captured[name] = brought[name]
    return captured


def _is_local(name: str, value: object) -> bool:
    return name in _LOCAL_NAMES or is_of_ipython(name, value)


def _is_captured(name: str, value: object) -> bool:
    return value is not getattr(builtins, name, None) and type(value) is not Evaluator


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


ByValuePickler.dispatch_table = ChainMap(WAYS, theirs.Pickler.dispatch_table)
