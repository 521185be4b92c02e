"""Imports of `ipyparallel.x` give the module `engineroom.x` itself."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.abc import InspectLoader, Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import CodeType, ModuleType
from typing import cast

from ipyparallel._former_modules import FORMER, FormerModule

_OWN = frozenset({"_former_modules", "_maps", "_same_modules", "apps", "joblib", "nbextension"})
"""Modules of this distribution itself."""


class SameModules(MetaPathFinder):
    """Finds the modules below `name` among those below `target`."""

    def __init__(self, name: str, target: str) -> None:
        self._name, self._target = name, target

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how to import `fullname`, None if there is no such module."""
        top, _, rest = fullname.partition(".")
        if top != self._name or rest.partition(".")[0] in _OWN:
            return None
        if rest in FORMER:
            return ModuleSpec(fullname, FormerModule(rest))
        found = find_spec(f"{self._target}.{rest}")
        if found is None:
            return None
        is_package = found.submodule_search_locations is not None
        # `python -m` makes the origin `sys.argv[0]`.
        return ModuleSpec(fullname, _SameModule(found), origin=found.origin, is_package=is_package)


class _SameModule(Loader):
    """Loads the module that `spec` is of, as its own importer would."""

    def __init__(self, spec: ModuleSpec) -> None:
        self._target, self._found = spec.name, spec

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module, which knows where it really comes from."""
        del spec
        module = import_module(self._target)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing but undo: it has run already, and the import system has just told it another origin."""
        module.__spec__ = self._spec

    def get_code(self, fullname: str) -> CodeType | None:
        """Return the module's code: `python -m` runs it as `__main__`."""
        del fullname
        return cast(InspectLoader, self._found.loader).get_code(self._target)
