"""Functions from a notebook or a script, at home in an engine's namespace.

On an engine the globals of such a function are the engine's namespace itself. What its client captured for
it (helpers, imports, other globals) is looked up after the namespace: it lies where Python looks next, in
the function's builtins. A function's builtins are what `globals["__builtins__"]` is when the function is
made; so that entry of the namespace is exchanged for a moment when a function is unpacked, and for
the length of a call, because functions inside functions are made while the call runs.

In a process that is no engine, such a function has what was captured as its globals.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from enum import Enum
from types import CellType, CodeType, FunctionType, TracebackType
from typing import Any

_BUILTINS = vars(builtins)


class _Empty(Enum):
    EMPTY = "content of a cell that has none"


EMPTY = _Empty.EMPTY


class Home:
    """Where interactive functions live in this process: the engine's namespace, if this is an engine.

    `fresh`: scopes that were unpacked since the last call. `resolved`: how many references were.
    """

    __slots__ = ("_lasting", "fresh", "namespace", "resolved")

    def __init__(self) -> None:
        self.namespace: dict[str, Any] | None = None
        self._lasting: dict[str, Any] = {}
        self.fresh: list[Scope] = []
        self.resolved = 0

    def move_in(self, namespace: dict[str, Any] | None) -> None:
        """Make `namespace` (an exact dict; None: no engine any more) the one of this process."""
        self.namespace = namespace
        self._lasting = {}
        self.fresh = []
        if namespace is not None:
            namespace.setdefault("__builtins__", builtins)

    def settle(self) -> None:
        """Keep what functions captured that were pushed rather than called: as further builtins.

        Only for functions with functions inside, which are made later and would miss it.
        """
        scopes, self.fresh = self.fresh, []
        namespace = self.namespace
        if namespace is None or not any(scope.nested for scope in scopes):
            return
        for scope in scopes:
            if scope.nested:
                self._lasting.update(scope.captured())
        namespace["__builtins__"] = self._lasting
        self.keep_up()

    def keep_up(self) -> None:
        """Let the namespace see builtins that appeared lately, as IPython's do when it starts."""
        if self._lasting:
            _complete(self._lasting)


home = Home()


class Scope:
    """What the functions of one client namespace in one pickle captured: one for all of them.

    `names`: on an engine the builtins of these functions, elsewhere their globals.
    """

    __slots__ = ("_known", "names", "nested")

    def __init__(self) -> None:
        self.names: dict[str, Any] = {}
        self.nested = False
        self._known = 0

    def __reduce__(self) -> tuple[Any, ...]:
        return Scope, ()

    def builtins(self) -> dict[str, Any]:
        """Return the builtins with what was captured; they keep up with names that appear in the real ones."""
        if not self.names:
            home.fresh.append(self)
        if self._known != len(_BUILTINS):
            self._known = len(_BUILTINS)
            _complete(self.names)
        return self.names

    def globals(self) -> dict[str, Any]:
        if not self.names:
            self.names.update(__name__="__main__", __builtins__=builtins)
        return self.names

    def captured(self) -> dict[str, Any]:
        return {name: value for name, value in self.names.items() if _BUILTINS.get(name) is not value}


def _complete(names: dict[str, Any]) -> None:
    """Add the builtins that `names` lacks."""
    names.update((name, _BUILTINS[name]) for name in _BUILTINS.keys() - names.keys())


def make_function(code: CodeType, scope: Scope, captures: bool, cells: tuple[CellType, ...] | None) -> FunctionType:  # noqa: FBT001 -- pickle passes by position
    """Return a function that still lacks what `furnish` gives it. `captures`: it has names in `scope`."""
    namespace = home.namespace
    if namespace is None:
        return FunctionType(code, scope.globals(), closure=cells)
    if not captures:
        return FunctionType(code, namespace, closure=cells)
    scope.nested |= any(type(constant) is CodeType for constant in code.co_consts)
    usual = namespace.get("__builtins__", builtins)
    namespace["__builtins__"] = scope.builtins()
    try:
        return FunctionType(code, namespace, closure=cells)
    finally:
        namespace["__builtins__"] = usual


def furnish(function: FunctionType, state: tuple[Any, ...]) -> None:
    """Fill in what may refer to the function itself.

    `state`: scope, captured names, attributes, own `__dict__`, contents of the cells, modules (only to be imported).
    """
    scope, captured, attributes, own, contents, _ = state
    if captured:
        scope.names.update(captured)
    for name, value in attributes.items():
        setattr(function, name, value)
    function.__dict__.update(own)
    for cell, content in zip(function.__closure__ or (), contents or (), strict=True):
        if content is not EMPTY:
            cell.cell_contents = content


class Scoped:
    """A callable that brings scopes along; call it inside `calling`."""

    __slots__ = ("function", "scopes")

    def __init__(self, function: Callable[..., Any], scopes: Sequence[Scope]) -> None:
        self.function = function
        self.scopes = scopes

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)


class calling:  # noqa: N801 -- a context manager, named for how it reads
    """While this lasts, functions made in the namespace see what `function` and the call's arguments captured.

    Needed only if `function` is Scoped or `home.fresh` is not empty. A coroutine must end within it, too.
    """

    __slots__ = ("_function", "_usual")

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __enter__(self) -> None:
        scopes: list[Scope] = []
        if type(self._function) is Scoped:
            scopes.extend(self._function.scopes)
        if home.fresh:
            scopes += home.fresh
            home.fresh = []
        self._usual = None
        namespace = home.namespace
        if scopes and namespace is not None:
            self._usual = namespace.get("__builtins__", builtins)
            namespace["__builtins__"] = _merged(scopes)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._usual is not None and home.namespace is not None:
            home.namespace["__builtins__"] = self._usual


def _merged(scopes: Sequence[Scope]) -> dict[str, Any]:
    """Return builtins with what all scopes captured; the first one wins."""
    first = scopes[0].builtins()
    if len(scopes) == 1:
        return first
    merged = dict(_BUILTINS)
    for scope in reversed(scopes):
        merged.update(scope.captured())
    return merged
