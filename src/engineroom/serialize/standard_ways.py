"""How things of the standard library travel that neither pickle nor cloudpickle can send."""

from __future__ import annotations

import dataclasses
import functools
import sys
from collections.abc import Callable
from pickle import PickleBuffer
from types import CodeType
from typing import Any
from weakref import WeakKeyDictionary

import cloudpickle.cloudpickle as theirs

from engineroom.errors import PackError
from engineroom.serialize.buffers import restore_memoryview


def _make_code(version: tuple[int, int], *args: Any) -> CodeType:
    if version != sys.version_info[:2]:
        ours = ".".join(map(str, sys.version_info[:2]))
        raise PackError(
            f"the code of {args[11]!r} is for Python {version[0]}.{version[1]}, and this is Python {ours}: "
            "functions and classes that can't be imported travel only between processes of the same version"
        )
    return CodeType(*args)


def _reduce_code(code: CodeType) -> tuple[Any, ...]:
    _, args = theirs._code_reduce(code)
    return _make_code, (sys.version_info[:2], *args)


def _reduce_memoryview(view: memoryview) -> tuple[Any, ...]:
    if not view.c_contiguous:
        return restore_memoryview, (PickleBuffer(view.tobytes()), view.format, view.shape)
    return restore_memoryview, (PickleBuffer(view), view.format, view.shape)


def _make_cached(function: Callable[..., Any], parameters: dict[str, Any]) -> Any:
    return functools.lru_cache(**parameters)(function)


def _reduce_cached(function: Any) -> Any:
    if function.__module__ != "__main__" and _found(function):
        return function.__qualname__
    return _make_cached, (function.__wrapped__, function.cache_parameters())


def _found(function: Any) -> bool:
    found: Any = sys.modules.get(function.__module__)
    for name in function.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is function


def _make_cached_property(function: Callable[[Any], Any], name: str | None) -> Any:
    made: Any = functools.cached_property(function)
    made.attrname = name
    return made


def _reduce_cached_property(value: functools.cached_property[Any]) -> tuple[Any, ...]:
    return _make_cached_property, (value.func, value.attrname)


WAYS: dict[type, Callable[[Any], Any]] = {
    CodeType: _reduce_code,
    memoryview: _reduce_memoryview,
    type(functools.lru_cache(len)): _reduce_cached,
    functools.cached_property: _reduce_cached_property,
    WeakKeyDictionary: lambda mapping: (WeakKeyDictionary, (dict(mapping),)),  # in `functools.singledispatch`
    # These are told apart by identity.
    type(dataclasses.MISSING): lambda _: "MISSING",
    type(dataclasses.KW_ONLY): lambda _: "KW_ONLY",
    type(dataclasses._HAS_DEFAULT_FACTORY): lambda _: "_HAS_DEFAULT_FACTORY",  # type: ignore[attr-defined]
}
