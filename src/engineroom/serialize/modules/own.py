"""Which of this process's modules are the user's own: neither Python's nor installed, so engines may lack them."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from engineroom.serialize.functions.interactive import home
from engineroom.serialize.functions.large_parts import Part

_STANDARD = os.path.dirname(os.__file__) + os.sep
_INSTALLED = tuple(f"{os.sep}{part}{os.sep}" for part in ("site-packages", "dist-packages"))
_NEVER = frozenset({"__main__", "__mp_main__", "engineroom"})
_STRING = rb"\x8c.(%s)[.\x94]"
"""How a pickle says a name of up to 255 bytes, or one that begins with it and a dot."""


class OwnModules:
    """The user's modules among `sys.modules`, by the first part of their names; looked for when others have come.

    `pattern`: finds these first parts in a pickle; None: there are none. `shipped`: what has gone along with something,
    by hash. In an engine, the modules are those that have come, and what has come may go on.
    """

    __slots__ = ("_foreign", "_last", "_seen", "loaded", "pattern", "shipped")

    def __init__(self) -> None:
        self.pattern: re.Pattern[bytes] | None = None
        self.loaded: dict[str, dict[str, ModuleType]] = {}
        self.shipped: dict[bytes, Part] = {}
        self._foreign: dict[str, int] = {}
        """Installed ones, and the identity of what was there under that name."""
        self._seen, self._last = 0, ""

    def any(self) -> bool:
        """Whether there are any: some 70 ns where no module has come since it was asked last."""
        if len(sys.modules) != self._seen or next(reversed(sys.modules)) != self._last:
            self._look()
        return self.pattern is not None

    def named_in(self, pickle: bytes) -> set[str]:
        """Return the first parts of their names that are in `pickle`."""
        assert self.pattern is not None
        return {name.decode() for name in self.pattern.findall(pickle)}

    def _look(self) -> None:
        modules = list(sys.modules.items())
        self._seen, self._last = len(modules), modules[-1][0]
        loaded: dict[str, dict[str, ModuleType]] = {}
        for name, module in modules:
            root = name.partition(".")[0]
            if root in self._foreign and self._foreign[root] == id(sys.modules.get(root)):
                continue
            loaded.setdefault(root, {})[name] = module
        self.loaded = {}
        if home.namespace is not None:
            self._look_at_arrivals(loaded)
            return
        for root, found in loaded.items():
            if _is_own(root, found):
                self.loaded[root] = found
            elif _is_settled(root, found):
                self._foreign[root] = id(sys.modules.get(root))
        self._make_pattern()

    def _look_at_arrivals(self, loaded: dict[str, dict[str, ModuleType]]) -> None:
        arriving: Any = sys.modules.get("engineroom.serialize.modules.arriving")
        current = () if arriving is None else arriving.arrivals.current
        self.loaded = {root: loaded[root] for root in current if root in loaded}
        self._make_pattern()

    def _make_pattern(self) -> None:
        roots = b"|".join(sorted(re.escape(root.encode()) for root in self.loaded))
        self.pattern = re.compile(_STRING % roots, re.DOTALL) if roots else None


own = OwnModules()


def _is_own(root: str, found: dict[str, ModuleType]) -> bool:
    if root in _NEVER or root.startswith("__"):
        return False
    file = next((file for module in found.values() if (file := file_of(module))), "")
    return file.endswith(".py") and not is_installed(file) and os.path.isfile(file)


def _is_settled(root: str, found: dict[str, ModuleType]) -> bool:
    """Whether it can't become the user's own: a namespace package, or one that is replaced, may."""
    return root in _NEVER or any(is_installed(file) for module in found.values() if (file := file_of(module)))


def file_of(module: object) -> str:
    """Return the file that a module says it comes from; "": none."""
    file = getattr(module, "__file__", None)
    return os.path.abspath(file) if isinstance(file, str) else ""


def is_installed(file: str) -> bool:
    """Whether the file of a module belongs to Python, or to a package that was installed, also as editable."""
    if file.startswith((_STANDARD, *_editable())) or any(part in file for part in _INSTALLED):
        return True
    return any(_holds_installed(place) for place in _places_above(file))


def _places_above(file: str) -> Iterator[str]:
    """Yield the directories on `sys.path` that hold `file`."""
    return (entry for entry in sys.path if entry and file.startswith(os.path.abspath(entry) + os.sep))


@cache
def _holds_installed(place: str) -> bool:
    """Whether packages were installed into a directory, as by `pip install --target`."""
    try:
        return any(name.endswith(".dist-info") for name in os.listdir(place))
    except OSError:
        return False


@cache
def _editable() -> tuple[str, ...]:
    """Return the directories of packages that were installed as editable."""
    found = [*_named_in_files(), *_named_by_finders()]
    return tuple(sorted({os.path.abspath(entry) + os.sep for entry in found}))


def _named_in_files() -> Iterator[str]:
    for site in sys.path:
        if not site.endswith(("site-packages", "dist-packages")) or not os.path.isdir(site):
            continue
        for file in Path(site).glob("*.pth"):
            for line in file.read_text(errors="replace").splitlines():
                if line and not line.startswith(("#", "import ", "import\t")):
                    entry = os.path.join(site, line.strip())
                    if os.path.isdir(entry) and os.path.abspath(entry) != os.path.abspath(site):
                        yield entry


def _named_by_finders() -> Iterator[str]:
    """Yield what setuptools' finders of editable packages have: files and directories by the packages' names."""
    for name, module in list(sys.modules.items()):
        mapping: Any = getattr(module, "MAPPING", None) if name.startswith("__editable__") else None
        yield from mapping.values() if isinstance(mapping, dict) else ()
