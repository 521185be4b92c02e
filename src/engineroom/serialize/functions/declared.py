"""Functions of modules that are to be treated as if they had been typed into a notebook."""

from __future__ import annotations

from types import FunctionType
from typing import Any, TypeVar
from weakref import WeakSet

_Function = TypeVar("_Function")

declared: WeakSet[Any] = WeakSet()
"""What `interactive` has been called with."""


def interactive(f: _Function) -> _Function:
    """Decorator: make an engine look up the global names of `f` in its own namespace first.

    Only functions in modules need it; functions of notebooks and scripts always behave like this.
    """
    if isinstance(f, FunctionType):
        f.__module__ = "__main__"  # so that no pickle of it says where it could be imported from
        declared.add(f)
    return f
