"""Switches: arguments that are True or False. Text, such as "no", would count as True."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

_Class = TypeVar("_Class", bound=type)
_Function = TypeVar("_Function", bound=Callable[..., Any])

_KINDS = frozenset({"bool", "bool | None", "Literal[True]", "Literal[False]"})
_BY_NAME_ONLY = 1_000_000


def switch(name: str, value: Any) -> Any:
    """Return `value`; TypeError: it is neither True nor False (1 and 0, a NumPy bool), nor None.

    None: not given.
    """
    if value is True or value is False or value is None:
        return value
    if isinstance(value, int) and value in {0, 1}:
        return value
    if getattr(getattr(value, "dtype", None), "kind", "") == "b" and getattr(value, "ndim", 1) == 0:
        return value
    raise TypeError(f"{name} must be True or False, not {value!r}")


def checks_switches(*but: str, init: bool = False) -> Callable[[_Class], _Class]:
    """Return a decorator of classes: public methods refuse arguments annotated as bool that are something else.

    `but`: methods that check them by themselves, since they are called for each of very many tasks. `init`: whether
    making an object is such a method, too. Below `called_by_users`, which takes our frames off its errors.
    """

    def decorate(kind: _Class) -> _Class:
        for name, member in list(vars(kind).items()):
            public = name == "__init__" if name.startswith("_") else name not in but
            if public and (init or name != "__init__") and hasattr(member, "__code__"):
                setattr(kind, name, with_switches(member))
        return kind

    return decorate


def with_switches(function: _Function) -> _Function:
    """Return `function`, which refuses arguments annotated as bool that are something else."""
    names = switches_of(function)
    if not names:
        return function
    first = min(place for _, place in names)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs or len(args) > first:
            _check(names, args, kwargs)
        return function(*args, **kwargs)

    return call  # type: ignore[return-value]  # it is called in the same way


def switches_of(function: Any) -> tuple[tuple[str, int], ...]:
    """Return the names of the parameters that are annotated as bool, and their places among the arguments."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    code, kinds = function.__code__, function.__annotations__
    count = code.co_argcount
    names = code.co_varnames[: count + code.co_kwonlyargcount]
    return tuple(
        (name, place if place < count else _BY_NAME_ONLY)
        for place, name in enumerate(names)
        if kinds.get(name) in _KINDS
    )


def _check(names: tuple[tuple[str, int], ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    for name, place in names:
        if name in kwargs:
            switch(name, kwargs[name])
        elif place < len(args):
            switch(name, args[place])
