"""Where functions and classes come from: what the far end imports, and what is written in C."""

from __future__ import annotations

from types import FunctionType

import cloudpickle.cloudpickle as theirs

HEAP_TYPE = 1 << 9
"""Flag of classes that were made at run time; the others are written in C and part of Python."""

_IMMUTABLE = 1 << 8
"""Flag of classes whose attributes cannot be set: all others were made by a statement or a call."""


def importable(value: FunctionType | type) -> bool:
    """Whether the far end gets this function or class by importing it."""
    return bool(theirs._should_pickle_by_reference(value))


def in_c(cls: type) -> bool:
    """Whether this class is written in C."""
    return not cls.__flags__ & HEAP_TYPE or bool(cls.__flags__ & _IMMUTABLE)
