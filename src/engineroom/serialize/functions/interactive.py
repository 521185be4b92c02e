"""Functions from a notebook or a script, at home in an engine's namespace.

On an engine the globals of such a function are the engine's namespace itself. What its client captured for
it (helpers, imports, other globals) is looked up after the namespace: it lies where Python looks next, in
the function's builtins. The functions that it makes have the same builtins, for as long as they live, whoever
calls them (see `inner_functions`).

In a process that is no engine, such a function has what was captured as its globals.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from enum import Enum
from types import CellType, CodeType, FunctionType
from typing import Any

from engineroom.protocol.ranges import WORD
from engineroom.protocol.texts import brief
from engineroom.serialize.by_value.arrivals import arrivals, functions_in
from engineroom.serialize.functions.evaluation import evaluators
from engineroom.serialize.functions.inner import Builtins, with_builtins

_BUILTINS = vars(builtins)
_MOST_SHADOWED = 20


class _Empty(Enum):
    EMPTY = "content of a cell that has none"


EMPTY = _Empty.EMPTY


def _nothing(digest: bytes) -> None:
    """Return None, as a process does that has no parts."""


class Home:
    """Where interactive functions live in this process: the engine's namespace, if this is an engine.

    `resolved`: how many references were. `shadowed`: captured names that the namespace hides (see `shadows`).
    `content`: returns the bytes of a part that has this hash, None if they are not here. `in_place`: the hashes of the
    modules that were asked for last, which `import` finds. `published`: returns a published value, packed, or None.
    """

    __slots__ = ("content", "in_place", "namespace", "published", "resolved", "shadowed")

    def __init__(self) -> None:
        self.namespace: dict[str, Any] | None = None
        self.resolved = 0
        self.shadowed: list[tuple[str, str, str]] = []
        self.content: Callable[[bytes], bytes | None] = _nothing
        self.published: Callable[[bytes], Any] = _nothing
        self.in_place = b""

    def take_shadowed(self) -> tuple[tuple[str, str, str], ...]:
        """Return what is in `shadowed`, and empty it."""
        taken, self.shadowed = tuple(dict.fromkeys(self.shadowed))[:_MOST_SHADOWED], []
        return tuple((brief(name, WORD), brief(theirs, WORD), brief(ours, WORD)) for name, theirs, ours in taken)

    def move_in(self, namespace: dict[str, Any] | None) -> None:
        """Make `namespace` (an exact dict; None: no engine any more) the one of this process."""
        self.namespace = namespace
        if namespace is not None:
            namespace["__builtins__"] = builtins


home = Home()


class Scope:
    """What the functions of one client namespace in one pickle captured: one for all of them.

    `names`: on an engine the builtins of these functions, elsewhere their globals.
    """

    __slots__ = ("module", "names")

    def __init__(self) -> None:
        self.names: dict[str, Any] = {}
        self.module: Builtins | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return Scope, ()

    def builtins(self) -> Builtins:
        """Return the builtins, to which what was captured is added."""
        if self.module is None:
            self.module = Builtins()
            self.names = vars(self.module)
            self.names.update(_BUILTINS)
        return self.module

    def globals(self) -> dict[str, Any]:
        if not self.names:
            self.names.update(__name__="__main__", __builtins__=builtins)
        return self.names


def make_function(code: CodeType, scope: Scope, captures: bool, cells: tuple[CellType, ...] | None) -> FunctionType:  # noqa: FBT001 -- pickle passes by position
    """Return a function that still lacks what `furnish` gives it. `captures`: it has names in `scope`."""
    namespace = home.namespace
    if namespace is None:
        return FunctionType(code, scope.globals(), closure=cells)
    if not captures:
        return FunctionType(code, namespace, closure=cells)
    chosen = scope.builtins()
    if _names(code, "eval", "exec"):
        scope.names.update(evaluators(namespace, chosen))
    return _make_with(chosen, with_builtins(code, chosen), namespace, cells)


def _make_with(
    chosen: Builtins, code: CodeType, namespace: dict[str, Any], cells: tuple[CellType, ...] | None
) -> FunctionType:
    while True:
        try:
            namespace["__builtins__"] = chosen
            made = FunctionType(code, namespace, closure=cells)
        finally:
            namespace["__builtins__"] = builtins
        if brought_by(made) is vars(chosen):  # else another thread did the same in between
            return made


def _names(code: CodeType, *wanted: str) -> bool:
    """Whether the code, or code inside it, names one of `wanted`."""
    if any(name in code.co_names for name in wanted):
        return True
    return any(type(constant) is CodeType and _names(constant, *wanted) for constant in code.co_consts)


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
    namespace = home.namespace
    if namespace is None:
        return
    arrivals.note(function)
    if captured and not captured.keys().isdisjoint(namespace):
        from engineroom.serialize.functions.shadows import hidden_names  # seldom needed, and it takes a while

        home.shadowed += hidden_names(function, captured, namespace)


def brought_by(function: Any) -> dict[str, Any] | None:
    """Return the names that came with this function (and the builtins), if it is one that brought any."""
    for each in functions_in(function):
        brought: dict[str, Any] = each.__builtins__
        if brought is not _BUILTINS:
            return brought
    return None


def keep_up(names: dict[str, Any]) -> None:
    """Add the builtins that `names` lacks: they have appeared since, as IPython's do when it starts."""
    names.update((name, _BUILTINS[name]) for name in _BUILTINS.keys() - names.keys())
