"""`eval` and `exec` as a captured function has them: what they run sees what the function captured."""

from __future__ import annotations
import __future__

import builtins
import sys
from collections.abc import Callable
from functools import reduce
from operator import or_
from types import CodeType, FrameType
from typing import Any

from engineroom.serialize.functions.inner import Builtins, with_builtins

_SYNTAX = reduce(or_, (getattr(__future__, name).compiler_flag for name in __future__.all_feature_names))
"""The bits of a code's flags that say which future syntax it has."""


class Evaluator:
    """`builtins.eval` or `exec` for functions whose globals are `namespace` and whose builtins are `chosen`."""

    __slots__ = ("_chosen", "_namespace", "_run")

    def __init__(self, run: Callable[..., Any], namespace: dict[str, Any], chosen: Builtins) -> None:
        self._run, self._namespace, self._chosen = run, namespace, chosen

    def __call__(self, source: Any, globals: Any = None, locals: Any = None, /, **closure: Any) -> Any:  # noqa: A002 -- as the real ones
        caller = sys._getframe(1)
        known = globals
        if known is None:
            known = caller.f_globals
            locals = _locals(caller) if locals is None else locals  # noqa: A001
        if type(source) is not CodeType:
            source = _compiled(source, self._run.__name__, caller.f_code.co_flags & _SYNTAX)
        if known is not self._namespace:
            if type(known) is dict:
                known.setdefault("__builtins__", self._chosen)
            return self._run(source, known, locals, **closure)
        try:
            self._namespace["__builtins__"] = self._chosen
            return self._run(with_builtins(source, self._chosen), known, locals, **closure)
        finally:
            self._namespace["__builtins__"] = builtins

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (builtins, self._run.__name__)


def evaluators(namespace: dict[str, Any], chosen: Builtins) -> dict[str, Evaluator]:
    """Return what takes the place of the two builtins, by their names."""
    return {run.__name__: Evaluator(run, namespace, chosen) for run in (eval, exec)}


def _locals(caller: FrameType) -> Any:
    """Return what `locals()` is in `caller`: of a function a snapshot."""
    local = caller.f_locals
    return local if type(local) is dict else dict(local)


def _compiled(source: Any, mode: str, flags: int) -> CodeType:
    if mode == "eval" and isinstance(source, str):
        source = source.lstrip(" \t")
    code: CodeType = compile(source, "<string>", mode, flags, dont_inherit=True)
    return code
