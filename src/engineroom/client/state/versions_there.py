"""Which versions an engine has whose result cannot be unpacked here, for the text of that error."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from weakref import WeakSet

from engineroom.ids import Instance

Versions = Mapping[str, str | None]
Ask = Callable[[int, tuple[str, ...]], Versions | None]
"""Asks an engine for its versions of packages; None: it does not answer soon."""
PythonOf = Callable[[int, Instance], str | None]
"""Returns the Python version of an engine, "" if it is not known; None: this process is not there."""

_asked: WeakSet[Asker] = WeakSet()


class Asker:
    """Asks the engines of one client, each once for each package. It is kept by whoever has the client."""

    def __init__(self, python_of: PythonOf, ask: Ask) -> None:
        self._python_of, self._ask = python_of, ask
        self._known: dict[tuple[Instance, str], str] = {}
        _asked.add(self)

    def words(self, engine: int, instance: Instance, package: str) -> str:
        """Return "engine 3 has numpy 2.1, engineroom 1.0 and Python 3.12.1", or what is known of that."""
        key, python = (instance, package), self._python_of(engine, instance)
        if python is not None and key not in self._known:
            self._known[key] = self._found(engine, package, python)
        return self._known.get(key, "")

    def _found(self, engine: int, package: str, python: str) -> str:
        names = tuple(name for name in (package, "engineroom") if name)
        found = self._ask(engine, names) if _may_wait() else None
        if found is None:
            return python and f"engine {engine} has Python {python}"
        there = [f"{name} {found[name]}" if found[name] else f"no {name}" for name in names]
        return f"engine {engine} has {', '.join(there)} and Python {found['python']}"


def versions_there(engine: int, instance: Instance | None, package: str) -> str:
    """Return the versions of a package, of engineroom and of Python on an engine, in words; "": nothing is known."""
    if instance is None:
        return ""
    return next(filter(None, (each.words(engine, instance, package) for each in tuple(_asked))), "")


def _may_wait() -> bool:
    """Whether this thread may wait for an engine: not if it has others to serve."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return not threading.current_thread().name.startswith("engineroom")
    return False
