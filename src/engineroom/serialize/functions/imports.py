"""Import statements, as they are written and as engines run them."""

from __future__ import annotations

import dis
from collections.abc import Iterator, Sequence
from importlib import import_module
from itertools import dropwhile
from types import CodeType
from typing import Any, NamedTuple

from engineroom.serialize.functions.interactive import home


class Import(NamedTuple):
    """An import statement and the full name of the module in it: a module of the user's own goes along with that."""

    statement: str
    module: str

    @classmethod
    def of(cls, statement: str) -> Import:
        """Return `statement`, as `written` gives it."""
        return cls(statement, statement.split()[1])


def run_import(what: Import) -> None:
    """Run an import statement in the engine's namespace."""
    exec(compile(what.statement, "<import>", "exec"), {} if home.namespace is None else home.namespace)


def written(name: str, names: Sequence[str], code: CodeType, place: int) -> str:
    """Return the import statement at `place` in `code`, `as` included.

    `name`: the full name of the module; `names`: what follows "import" in a `from` statement, empty in others.
    A call of `__import__` becomes the statement that imports as much.
    """
    bound = list(_bound(code, place))
    if names:
        given = [as_name for _, as_name in bound] if len(bound) == len(names) else list(names)
        return f"from {name} import {', '.join(map(_renamed, names, given))}"
    if not bound:
        return f"import {name}"
    # `import a.b` binds a, which it has at once; `import a.b as c` must fetch b first.
    fetches, as_name = bound[0]
    return f"import {name}" if "." in name and not fetches else f"import {_renamed(name, as_name)}"


def _renamed(name: str, as_name: str) -> str:
    return name if name == as_name else f"{name} as {as_name}"


def _bound(code: CodeType, place: int) -> Iterator[tuple[bool, str]]:
    """Yield, for each name that the import at `place` binds, whether it is fetched from the module, and the name."""
    whole = (step for step in dis.get_instructions(code) if step.opname != "EXTENDED_ARG")
    steps = dropwhile(lambda step: step.offset < place, whole)
    before = getattr(next(steps, None), "opname", "")
    if before != "IMPORT_NAME":
        return
    for step in steps:
        if step.opname.startswith("STORE_"):  # some store a name and do another thing: the first name is this
            target: Any = step.argval
            yield before == "IMPORT_FROM", target[0] if isinstance(target, tuple) else target
            if before == "IMPORT_NAME":
                return
        elif step.opname not in _OF_IMPORTS:
            return
        before = step.opname


_OF_IMPORTS = frozenset({"IMPORT_FROM", "SWAP", "POP_TOP"})
"""What instructions an import has, but for those that bind names."""


class OnEngines:
    """Stands for a module, or for what is in it, that is imported on engines only.

    It may be named in functions that run there; nothing can be done with it here.
    """

    __all__ = ()  # `from module import *` binds nothing here

    def __init__(self, path: str) -> None:
        self.__name__ = path

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"{self.__name__} was imported on the engines only; it has no {name} here")
        return OnEngines(f"{self.__name__}.{name}")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(
            f"{self.__name__} was imported on the engines only, and cannot be used here. Use it in a function that "
            "runs on the engines, or import it with `sync_imports(local=True)`"
        )

    def __repr__(self) -> str:
        return f"<{self.__name__}: imported on the engines only>"

    def __reduce__(self) -> tuple[Any, ...]:
        return found, (self.__name__,)


def found(path: str) -> Any:
    """Return the module at the dotted `path`, or what is in a module there. ImportError: there is none."""
    module, _, rest = path.partition(".")
    value: Any = import_module(module)
    for part in rest.split(".") if rest else ():
        module = f"{module}.{part}"
        try:
            value = getattr(value, part)
        except AttributeError:
            value = import_module(module)
    return value
