"""Which errors are alike but for their arguments: it takes long to describe an error, and a map may have many."""

from __future__ import annotations

from types import CodeType
from typing import Any

Likeness = tuple[Any, ...]

_PLAIN = frozenset({
    ArithmeticError, AssertionError, BufferError, EOFError, Exception, FloatingPointError, IndexError, KeyError,
    LookupError, NotImplementedError, OverflowError, RecursionError, ReferenceError, RuntimeError, TypeError,
    ValueError, ZeroDivisionError,
})  # fmt: skip
"""Their arguments are all that they have."""

_WITH_NAMES = frozenset({AttributeError, NameError, UnboundLocalError})
"""Of these, all is alike if the arguments are."""

_ATOMS = frozenset({type(None), bool, int, float, str, bytes})
_LONGEST = 1000


def likeness_of(error: BaseException) -> tuple[Likeness | None, list[CodeType]]:
    """Return what is equal for errors that differ in their arguments at most, and what must stay alive meanwhile.

    None: it has to be described by itself.
    """
    kind, codes = type(error), list[CodeType]()
    if kind not in _PLAIN and kind not in _WITH_NAMES:
        return None, codes
    if error.__dict__ or error.__cause__ is not None or error.__context__ is not None:
        return None, codes
    if not all(type(argument) in _ATOMS for argument in error.args) or len(repr(error.args)) > _LONGEST:
        return None, codes
    lines, trace = [], error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        codes.append(code)
        lines.append((id(code), trace.tb_lasti))
        trace = trace.tb_next
    return (kind, error.args if kind in _WITH_NAMES else None, *lines), codes
