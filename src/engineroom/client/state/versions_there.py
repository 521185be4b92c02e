"""Which versions an engine has whose result cannot be unpacked here, for the text of that error."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from weakref import WeakSet

from engineroom.client.state.state import State
from engineroom.ids import Instance

Versions = Mapping[str, str | None]
Ask = Callable[[int, tuple[str, ...]], Versions | None]
"""Asks an engine for its versions of packages; None: it does not answer soon."""

_asked: WeakSet[Asker] = WeakSet()


class Asker:
    """Asks the engines of one session, each once for each package. It is kept by whoever has the session."""

    def __init__(self, session: State, ask: Ask) -> None:
        self._session, self._ask = session, ask
        self._known: dict[tuple[Instance, str], str] = {}
        _asked.add(self)

    def has(self, engine: int, instance: Instance) -> bool:
        """Whether this engine is one of its session, and there."""
        known = self._session.engines.get(engine)
        return not self._session.closed and known is not None and known.instance == instance

    def words(self, engine: int, instance: Instance, package: str) -> str:
        """Return "engine 3 has numpy 2.1, engineroom 1.0 and Python 3.12.1", or what is known of that."""
        key = instance, package
        if key not in self._known:
            self._known[key] = self._found(engine, package)
        return self._known[key]

    def _found(self, engine: int, package: str) -> str:
        names = tuple(name for name in (package, "engineroom") if name)
        found = self._ask(engine, names) if _may_wait() else None
        if found is None:
            known = self._session.engines.get(engine)
            return f"engine {engine} has Python {known.info.python}" if known is not None and known.info.python else ""
        there = [f"{name} {found[name]}" if found[name] else f"no {name}" for name in names]
        return f"engine {engine} has {', '.join(there)} and Python {found['python']}"


def versions_there(engine: int, instance: Instance | None, package: str) -> str:
    """Return the versions of a package, of engineroom and of Python on an engine, in words; "": nothing is known."""
    if instance is None:
        return ""
    return next((each.words(engine, instance, package) for each in tuple(_asked) if each.has(engine, instance)), "")


def _may_wait() -> bool:
    """Whether this thread may wait for an engine: not if it has others to serve."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return not threading.current_thread().name.startswith("engineroom")
    return False
