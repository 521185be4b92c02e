"""Functions and classes that came to this engine by value, by name: `__main__` gives them to plain pickle."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from types import FunctionType, MethodType
from typing import Any
from weakref import WeakValueDictionary


class Arrivals:
    """`running`: what the task calls that runs, or ran last. `late`: something came while this process had children,
    which can't know it."""

    __slots__ = ("_by_name", "late", "running")

    def __init__(self) -> None:
        self._by_name: WeakValueDictionary[str, Any] = WeakValueDictionary()
        self.running: Any = None
        self.late = False

    def note(self, definition: Any) -> None:
        """Keep in mind a function or class that has come, for as long as it lives."""
        if definition.__module__ != "__main__" or "<locals>" in definition.__qualname__:
            return
        self._by_name[definition.__qualname__] = definition
        processes: Any = sys.modules.get("multiprocessing.process")
        if processes is not None and processes._children:
            self.late = True

    def find(self, name: str) -> Any:
        """Return what came under this name, the running task's if there are several, else the latest; or None."""
        for function in functions_in(self.running):
            if function.__qualname__ == name:
                return function
            found: Any = function.__builtins__.get(name)
            if isinstance(found, type | FunctionType) and found.__module__ == "__main__":
                return found
        found = self._by_name.get(name)
        if found is None and any(known.startswith(f"{name}.") for known in tuple(self._by_name)):
            return _Outer(self, name)
        return found


class _Outer:
    """Stands for a class that did not come, while one that is defined in it did."""

    def __init__(self, arrivals: Arrivals, name: str) -> None:
        self._arrivals, self._name = arrivals, name

    def __getattr__(self, name: str) -> Any:
        found = self._arrivals.find(f"{self._name}.{name}")
        if found is None:
            raise AttributeError(name)
        return found


def functions_in(callee: Any) -> Iterator[Any]:
    """Yield the functions that a call of `callee` calls, also through partials, methods, and maps over a chunk."""
    if type(callee) is FunctionType:
        yield callee
    elif isinstance(callee, MethodType):
        yield from functions_in(callee.__func__)
    elif isinstance(callee, partial):
        for part in (callee.func, *callee.args):
            yield from functions_in(part)


arrivals = Arrivals()
