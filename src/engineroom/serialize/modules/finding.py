"""How `import` finds the modules that have come: a finder, and loaders that have the source and the data in memory."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType
from typing import Any

from engineroom.serialize.functions.sources import received
from engineroom.serialize.modules.unit import COMPILED, Unit


class Finder:
    """A finder of modules and, for packages whose directory is not on this machine, of what is in that."""

    def __init__(self, find: Callable[[str], Unit | None]) -> None:
        """`find`: returns the unit of a module or package, None if there is none."""
        self._find = find

    def install(self) -> None:
        """Be asked first; a second call changes nothing."""
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)
            sys.path_hooks.append(self._entry)

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        del target
        unit = self._find(name.partition(".")[0])
        if unit is None:
            return None
        inner = name.replace(".", "/")
        for file in (f"{inner}/__init__.py", f"{inner}.py"):
            if file in unit.files:
                return _spec(name, unit, file)
        if any(file.startswith(f"{inner}/") for file in unit.files):
            spec = ModuleSpec(name, None, is_package=True)
            spec.submodule_search_locations = _directories(unit, inner)
            return spec
        _look_for_compiled(unit, name, path)
        return None

    def _entry(self, path: str) -> _Entry:
        """Be a path hook, for directories of packages that are on another machine."""
        for root in {name.partition(".")[0] for name in list(sys.modules)}:
            unit = self._find(root)
            for place in () if unit is None else unit.places:
                if path == os.path.join(place, root) or path.startswith(os.path.join(place, root, "")):
                    return _Entry(unit, os.path.relpath(path, place).replace(os.sep, "/"))
        raise ImportError("not a directory of a package that has come")


class _Entry:
    """A directory of a package, as `pkgutil.iter_modules` sees it."""

    def __init__(self, unit: Unit | None, directory: str) -> None:
        self._unit, self._directory = unit, directory

    def find_spec(self, name: str, target: object = None) -> None:
        """Leave it to the finder, which was asked before."""

    def iter_modules(self, prefix: str = "") -> Iterator[tuple[str, bool]]:
        """Yield the modules in it, and whether they are packages."""
        start = f"{self._directory}/"
        found = {}
        for file in self._unit.files if self._unit else ():
            head, _, rest = file.removeprefix(start).partition("/")
            if not file.startswith(start):
                continue
            if rest == "__init__.py":
                found[head] = True
            elif not rest and head.endswith(".py") and head != "__init__.py":
                found.setdefault(head.removesuffix(".py"), False)
        for name in sorted(found):
            yield prefix + name, found[name]


class Loader:
    """Loads one module. `path`: its file, where it came from."""

    def __init__(self, unit: Unit, file: str, path: str) -> None:
        self._unit, self._file, self.path = unit, file, path

    def create_module(self, spec: ModuleSpec) -> None:
        """Let Python make it."""

    def exec_module(self, module: ModuleType) -> None:
        source = self._unit.files[self._file]
        code = compile(source, self.path, "exec", dont_inherit=True)
        received(self.path, 1, tuple(self.get_source().splitlines(keepends=True)))
        exec(code, module.__dict__)

    def get_source(self, name: str = "") -> str:
        from importlib.util import decode_source  # only tracebacks and `inspect` ask

        del name
        return decode_source(self._unit.files[self._file])

    def get_code(self, name: str = "") -> CodeType:
        del name
        return compile(self._unit.files[self._file], self.path, "exec", dont_inherit=True)

    def get_filename(self, name: str = "") -> str:
        del name
        return self.path

    def is_package(self, name: str = "") -> bool:
        del name
        return self._file.endswith("/__init__.py")

    def get_data(self, path: str) -> bytes:
        """Return the content of a file of the package, by its path."""
        for place in self._unit.places:
            name = os.path.relpath(path, place).replace(os.sep, "/")
            if name in self._unit.files:
                return self._unit.files[name]
            if name in self._unit.left:
                break
        with open(path, "rb") as file:  # perhaps this machine has it
            return file.read()

    def get_resource_reader(self, name: str) -> Any:
        from engineroom.serialize.modules.data import Reader  # few packages have data

        return Reader(self._unit, name)


def _spec(name: str, unit: Unit, file: str) -> ModuleSpec:
    path = os.path.join(unit.places[0], *file.split("/"))
    package = file.endswith("/__init__.py")
    spec = ModuleSpec(name, Loader(unit, file, path), origin=path, is_package=package)  # type: ignore[arg-type]  # as much of one as Python asks for
    spec.has_location = True
    if package:
        spec.submodule_search_locations = _directories(unit, file.rpartition("/")[0])
    return spec


def _directories(unit: Unit, inner: str) -> list[str]:
    return [os.path.join(place, *inner.split("/")) for place in unit.places]


def _look_for_compiled(unit: Unit, name: str, path: Sequence[str] | None) -> None:
    """Raise ImportError for a compiled module that stayed where it was, unless this machine has it as well."""
    start = name.replace(".", "/") + "."
    file = next((left for left in unit.left if left.startswith(start) and left.endswith(COMPILED)), None)
    if file is None or any(os.path.exists(os.path.join(place, file.rpartition("/")[2])) for place in path or ()):
        return
    raise ImportError(
        f"the module {name!r} is compiled ({os.path.join(unit.places[0], file)}), and only source is sent to engines: "
        f"install {unit.root!r} on the engines' machines",
        name=name,
    )
