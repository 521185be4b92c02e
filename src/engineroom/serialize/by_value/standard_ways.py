"""How things of the standard library travel that neither pickle nor cloudpickle can send."""

from __future__ import annotations

import dataclasses
import functools
import gc
import io
import sys
from collections.abc import Callable
from importlib import import_module
from pickle import PickleBuffer
from types import CodeType, MethodType
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

import cloudpickle.cloudpickle as theirs

from engineroom.errors import PackError
from engineroom.serialize.buffers import restore_memoryview
from engineroom.serialize.by_value.named import VARIABLES
from engineroom.serialize.functions.inner import original_of
from engineroom.serialize.functions.sources import Source, received, source_of

_FILE_NAME = 10
"""Where the arguments of `types.CodeType` have it."""

_REPLACED = (("builtins", "input"), ("getpass", "getpass"))
"""Functions in whose place the kernel of a notebook puts methods of its own, while a cell runs."""


def _make_code(version: tuple[int, int], source: Source, *args: Any) -> CodeType:
    if version != sys.version_info[:2]:
        ours = ".".join(map(str, sys.version_info[:2]))
        raise PackError(
            f"the code of {args[11]!r} was compiled by Python {version[0]}.{version[1]}, but this is Python {ours}: "
            "functions and classes that cannot be imported need the same Python version on both sides"
        )
    code = CodeType(*args)
    received(code.co_filename, code.co_firstlineno, source)
    return code


def _reduce_code(code: CodeType) -> tuple[Any, ...]:
    code = original_of(code)
    _, (*args,) = theirs._code_reduce(code)
    args[_FILE_NAME] = code.co_filename  # cloudpickle leaves it out, and tracebacks name it
    return _make_code, (sys.version_info[:2], source_of(code), *args)


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


def _make_key(compare: Callable[[Any, Any], int]) -> Any:
    return functools.cmp_to_key(compare)


def _reduce_key(key: Any) -> tuple[Any, ...]:
    """Return how what `functools.cmp_to_key` makes is pickled; it shows its function to the garbage collector only."""
    compare, *value = [each for each in gc.get_referents(key) if each is not type(key)]
    return (_make_key(compare), tuple(value)) if value else (_make_key, (compare,))


def _reduce_weak_mapping(mapping: Any) -> tuple[Any, ...]:
    return type(mapping), (), None, None, iter(list(mapping.items()))


def _reduce_file(file: Any) -> tuple[Any, ...]:
    for name in ("__stdin__", "__stdout__", "__stderr__"):
        if file is getattr(sys, name):
            return getattr, (sys, name)
    raise TypeError("cannot pickle an open file")


def _from_module(module: str, name: str) -> Any:
    return getattr(import_module(module), name)


def _reduce_method(method: MethodType) -> Any:
    for module, name in _REPLACED:
        if getattr(sys.modules.get(module), name, None) == method:
            return _from_module, (module, name)
    return theirs._method_reduce(method)


def _constant(name: str) -> Callable[[object], tuple[Any, ...]]:
    """Return how a constant of `dataclasses` that is told apart by identity is pickled, also a copy of it.

    Other picklers copy these constants, with the classes that have them.
    """
    return lambda _: (getattr, (dataclasses, name))


WAYS: dict[type, Callable[[Any], Any]] = {
    CodeType: _reduce_code,
    MethodType: _reduce_method,
    memoryview: _reduce_memoryview,
    io.TextIOWrapper: _reduce_file,  # cloudpickle would send what is in it
    type(functools.lru_cache(len)): _reduce_cached,
    type(functools.cmp_to_key(len)): _reduce_key,  # type: ignore[arg-type]  # any function will do
    functools.cached_property: _reduce_cached_property,
    WeakKeyDictionary: _reduce_weak_mapping,
    WeakValueDictionary: _reduce_weak_mapping,
    **VARIABLES,
    **{
        type(getattr(dataclasses, name)): _constant(name)
        for name in ("MISSING", "KW_ONLY", "_HAS_DEFAULT_FACTORY")
        if hasattr(dataclasses, name)
    },
}
