"""Whether modules are still those that were loaded: found out without a look at each of them, for each call."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

_ABSENT = object()


class Loads:
    """Stands first on `sys.meta_path`, and counts: whatever is imported, or loaded again, is looked for there."""

    def __init__(self) -> None:
        self.count = 0

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        del name, path, target
        self.count += 1

    def so_far(self) -> int:
        """Return how often modules have been looked for. As long as that stays, none has been loaded."""
        finders: list[Any] = sys.meta_path
        if not finders or finders[0] is not self:
            finders[:] = [self, *(finder for finder in finders if finder is not self)]
            self.count += 1  # who knows what has been loaded past it
        return self.count


_loads = Loads()


class AsTheyAre:
    """Modules by their names, and what each was loaded by."""

    def __init__(self, specs: Mapping[str, object]) -> None:
        self.specs = specs
        self._count = _loads.so_far()

    def now(self, _: str, default: object) -> object:
        """Return `specs`, or `default` if a module has been loaded again. Some 100 ns, however many there are."""
        finders = sys.meta_path
        if finders and finders[0] is _loads and _loads.count == self._count:  # each call comes by here
            return self.specs
        count = _loads.so_far()
        if count != self._count:
            if not as_loaded_by(self.specs):
                return default
            self._count = count
        return self.specs


def as_loaded_by(specs: Mapping[str, object]) -> bool:
    """Whether modules are still there, as loaded by what `specs` has under their names."""
    return all(spec_of(name, _ABSENT) is spec for name, spec in specs.items())


def spec_of(name: str, default: object) -> object:
    """Return what a module was loaded by: another object each time that it is loaded."""
    return getattr(sys.modules.get(name), "__spec__", default)
