"""The engine's `__main__`, the user's namespace: also what came by value is found in it, under its name."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from engineroom.serialize.by_value.arrivals import arrivals


class MainModule(ModuleType):
    """A module that finds functions and classes of the client's script or notebook, so that plain pickle does.

    They are no names of the namespace: `dir()` does not list them, and expressions do not see them.
    """

    def __getattr__(self, name: str) -> Any:
        found = None if name.startswith("__") else arrivals.find(name)
        if found is None:
            raise AttributeError(f"module '__main__' has no attribute {name!r}", name=name, obj=self)
        return found
