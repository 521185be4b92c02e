"""The source of classes that travel by value: `inspect.getsource` finds it wherever they are."""

from __future__ import annotations

import functools
import linecache
import sys
from collections.abc import Iterator
from types import FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from engineroom.serialize.functions.sources import MOST_LINES, NOT_UNIQUE, Source, received

if TYPE_CHECKING:
    import ast

_MOST_FILES = 50
_MOST_CELLS = 500
_MOST_DECORATORS = 10

_AROUND: dict[type, str] = {
    staticmethod: "__func__",
    classmethod: "__func__",
    property: "fget",
    functools.cached_property: "func",
    functools.partialmethod: "func",
    functools.singledispatchmethod: "func",
}
"""What is put around methods, and the attribute that has the method."""


class Place(NamedTuple):
    """Where a class was defined: its file (or cell), and its lines, from number `first` on."""

    file: str
    first: int
    lines: Source


_places: WeakKeyDictionary[type, Place | None] = WeakKeyDictionary()
_definitions: dict[str, tuple[list[str], dict[str, list[ast.ClassDef]]]] = {}
"""By file: its lines, and the definitions in it by their qualified names."""


def place_of(cls: type) -> Place | None:
    """Return where `cls` was defined, as far as this process knows it; less than 1 us when asked again."""
    try:
        return _places[cls]
    except KeyError:
        _places[cls] = found = _find(cls)
        return found


def keep_place(cls: type, place: tuple[Any, ...] | None) -> None:
    """Have the source of a class that came by value be found here."""
    _places[cls] = None if place is None else Place(*place)
    if place is not None:
        received(*place)


def teach(inspect: Any) -> None:
    """Let `inspect` find the source of classes whose module has no file here, such as those of a script."""
    plain_file, plain_source = inspect.getfile, inspect.findsource

    def getfile(object: Any) -> str:  # noqa: A002 -- named by Python
        try:
            return plain_file(object)  # type: ignore[no-any-return]
        except (TypeError, OSError):
            place = place_of(object) if isinstance(object, type) else None
            if place is None:
                raise
            return place.file

    def findsource(object: Any) -> tuple[list[str], int]:  # noqa: A002 -- named by Python
        place = place_of(object) if isinstance(object, type) and not _file_of(object) else None
        if place is None:
            return plain_source(object)  # type: ignore[no-any-return]
        return ["\n"] * (place.first - 1) + list(place.lines), place.first - 1

    inspect.getfile, inspect.findsource = getfile, findsource


def _file_of(cls: type) -> str | None:
    return getattr(sys.modules.get(cls.__module__), "__file__", None)


def _find(cls: type) -> Place | None:
    qualname = cls.__qualname__.rpartition("<locals>.")[2]
    starts = dict(_starts_of_methods(cls))
    for file in starts or _candidates(cls, qualname):
        lines, definitions = _definitions_in(file)
        found = _best(definitions.get(qualname, []), cls, starts.get(file))
        if found is not None:
            first = min([found.lineno, *(each.lineno for each in found.decorator_list)])
            last = found.end_lineno or first
            return Place(file, first, tuple(lines[first - 1 : last])) if last - first < MOST_LINES else None
    return None


def _starts_of_methods(cls: type) -> Iterator[tuple[str, int]]:
    """Yield file and line of what was written in the class: code that decorators made is elsewhere."""
    inside = f"{cls.__qualname__}."
    for value in tuple(vars(cls).values()):
        if isinstance(value, type) and value.__qualname__.startswith(inside):
            yield from _starts_of_methods(value)
        code = getattr(_written(value), "__code__", None)
        if code is not None and code.co_qualname.startswith(inside) and code.co_filename not in NOT_UNIQUE:
            yield code.co_filename, code.co_firstlineno


def _written(value: Any) -> Any:
    """Return what is in an attribute of a class, without what decorators of the usual kinds put around it."""
    for _ in range(_MOST_DECORATORS):
        if type(value) is FunctionType and "__wrapped__" in value.__dict__:
            value = value.__dict__["__wrapped__"]
        elif type(value) in _AROUND:
            value = getattr(value, _AROUND[type(value)])
        else:
            break
    return value if type(value) is FunctionType else None


def _candidates(cls: type, qualname: str) -> Iterator[str]:
    """Yield the files in which a class without methods may have been defined."""
    file = _file_of(cls)
    if file:
        yield file
    if cls.__module__ != "__main__":
        return
    head = f"class {qualname.rpartition('.')[2]}"
    # Cells, which are compared with no file; the latest ones first.
    cells = [(name, entry[2]) for name, entry in tuple(linecache.cache.items()) if len(entry) == 4 and entry[1] is None]
    for name, lines in cells[: -_MOST_CELLS - 1 : -1]:
        if any(head in line for line in lines):
            yield name


def _definitions_in(file: str) -> tuple[list[str], dict[str, list[ast.ClassDef]]]:
    linecache.checkcache(file)
    lines = linecache.getlines(file)
    known = _definitions.get(file)
    if known is None or known[0] is not lines:
        import ast  # seldom needed

        definitions: dict[str, list[ast.ClassDef]] = {}
        try:
            _note(ast.parse("".join(lines)), "", definitions)
        except (SyntaxError, ValueError, RecursionError):
            definitions.clear()
        _definitions[file] = known = lines, definitions
        if len(_definitions) > _MOST_FILES:
            _definitions.pop(next(iter(_definitions)), None)
    return known


def _note(node: ast.AST, outside: str, definitions: dict[str, list[ast.ClassDef]]) -> None:
    """Note the classes in a statement under their names, as `__qualname__` has them behind `<locals>`."""
    for part in ("body", "orelse", "handlers", "finalbody", "cases"):
        for each in getattr(node, part, ()):
            name = outside
            if type(each).__name__ == "ClassDef":
                name = f"{outside}{each.name}."
                definitions.setdefault(name[:-1], []).append(each)
            elif type(each).__name__ in {"FunctionDef", "AsyncFunctionDef"}:
                name = ""
            _note(each, name, definitions)


def _best(found: list[ast.ClassDef], cls: type, start: int | None) -> ast.ClassDef | None:
    """Return the definition of `cls`, of those with its name: that with this line in it, else the last that fits."""
    if start is not None:
        around = [each for each in found if each.lineno <= start <= (each.end_lineno or 0)]
        return around[-1] if around else None
    first = vars(cls).get("__firstlineno__")  # from Python 3.13 on
    if first is not None:
        return next((each for each in found if first in {each.lineno, *(d.lineno for d in each.decorator_list)}), None)
    names = set(vars(cls)) | set(vars(cls).get("__annotations__", ()))
    return next((each for each in reversed(found) if _assigned(each) <= names), None)


def _assigned(definition: ast.ClassDef) -> set[str]:
    """Return the plain names that a class assigns or annotates."""
    targets: list[Any] = []
    for each in definition.body:
        targets += getattr(each, "targets", [getattr(each, "target", each)])
    return {each.id for each in targets if type(each).__name__ == "Name" and not each.id.startswith("_")}
