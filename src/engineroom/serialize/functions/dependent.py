"""Functions that run only where a check passes: `depend`, `dependent`, `require`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, Generic, ParamSpec, TypeVar

from engineroom.errors import UnmetDependency
from engineroom.serialize.functions.interactive import home

_P = ParamSpec("_P")
_T = TypeVar("_T")


class dependent(Generic[_P, _T]):  # noqa: N801 (as in ipyparallel)
    """A function that runs only where a check passes; on an engine where it does not, another engine gets the task.

    The check is `df(*dargs, **dkwargs)`; it fails if it returns something false other than None, or raises
    UnmetDependency. A task that every engine has refused raises ImpossibleDependency.
    """

    def __init__(self, f: Callable[_P, _T], df: Callable[..., Any], /, *dargs: Any, **dkwargs: Any) -> None:
        self.f, self.df, self.dargs, self.dkwargs = f, df, dargs, dkwargs
        for name in ("__name__", "__qualname__", "__doc__", "__module__"):
            if isinstance(value := getattr(f, name, None), str):
                setattr(self, name, value)

    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Call the function here. UnmetDependency: the check fails."""
        self.check_dependency()
        return self.f(*args, **kwargs)

    def check_dependency(self) -> None:
        """Call the check in this process. UnmetDependency: it fails."""
        met = self.df(*self.dargs, **self.dkwargs)
        if met is not None and not met:
            raise UnmetDependency(f"{getattr(self.df, '__name__', self.df)} returned {met!r}")

    @property
    def func_name(self) -> str:
        """The name of the function."""
        return str(getattr(self.f, "__name__", self.f))


class depend:  # noqa: N801 (as in ipyparallel)
    """Decorator: the function runs only on engines where `df(*args, **kwargs)` passes. See `dependent`."""

    def __init__(self, df: Callable[..., Any], /, *args: Any, **kwargs: Any) -> None:
        self.df, self.args, self.kwargs = df, args, kwargs

    def __call__(self, f: Callable[_P, _T]) -> dependent[_P, _T]:
        """Return `f` with the check."""
        return dependent(f, self.df, *self.args, **self.kwargs)


def require(*objects: Any, **mapping: Any) -> depend:
    """Decorator: the function runs only on engines that can import the modules; they are imported there first.

    `objects`: names of modules, modules, or functions and classes, which are put into the engine's namespace under
    their own names; `mapping`: other objects, by name. TypeError: an object has no name.
    """
    modules: list[str] = []
    for it in objects:
        if isinstance(it, str | ModuleType):
            modules.append(it if isinstance(it, str) else it.__name__)
        elif isinstance(name := getattr(it, "__name__", None), str):
            mapping[name] = it
        else:
            raise TypeError(f"{it!r} has no name: write require(name={type(it).__name__}(...)) instead")
    return depend(_bring, tuple(modules), mapping)


def _bring(modules: tuple[str, ...], mapping: dict[str, Any]) -> None:
    """Import modules into the engine's namespace, and put objects there. UnmetDependency: a module is not here."""
    main: Any = vars(sys.modules["__main__"])
    names = home.namespace if home.namespace is not None else main
    for module in modules:
        try:
            exec(f"import {module}", names)  # so that `a.b` is found under `a`
        except ImportError as error:
            raise UnmetDependency(f"cannot import {module!r}: {error}") from error
    names.update(mapping)
