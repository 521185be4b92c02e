"""Dependencies, under the module name that ipyparallel scripts import."""

from __future__ import annotations

from engineroom.not_built import not_built

Dependency, depend, dependent, require = map(not_built, ("Dependency", "depend", "dependent", "require"))

__all__ = ["Dependency", "depend", "dependent", "require"]
