"""Exceptions taken apart and put together again without calling their `__init__`, which may want anything."""

from __future__ import annotations

import contextlib
import copyreg
from functools import lru_cache
from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any

_HEAP_TYPE = 1 << 9
"""Flag of classes that were made at run time; the others are written in C and part of Python."""

_OWN_WAYS = ("__reduce__", "__reduce_ex__", "__getstate__", "__setstate__", "__getnewargs__", "__getnewargs_ex__")
_STAYS = frozenset({"args", "obj"})
"""`obj` of an AttributeError may be anything, and does not travel with plain pickle either."""

Chain = tuple[BaseException | None, BaseException | None, bool]
"""What an exception is chained to: `__cause__`, `__context__`, `__suppress_context__`."""

NO_CHAIN: Chain = (None, None, False)


class Parts:
    """Pickles as the exception that it is made of, without what that is chained to; its traceback stays behind."""

    __slots__ = ("exception",)

    def __init__(self, exception: BaseException) -> None:
        self.exception = exception

    def __reduce__(self) -> Any:
        if has_own_ways(type(self.exception)):
            return _same, (self.exception,)
        make, args, state, *_ = taken_apart(self.exception, chained=False)
        return _whole, (make, args, state)  # in one piece, because `copy.deepcopy` does not know of `furnish`


def has_own_ways(kind: type[BaseException]) -> bool:
    """Whether a class of exceptions says itself how its instances are pickled."""
    return kind in copyreg.dispatch_table or any(
        way in vars(base) for base in kind.__mro__ if base.__flags__ & _HEAP_TYPE for way in _OWN_WAYS
    )


def taken_apart(exception: BaseException, *, chained: bool) -> tuple[Any, ...]:
    """Return how to pickle `exception`: what makes it, of what, and what is filled in afterwards.

    `chained`: with its cause and context.
    """
    members = {name: value for name, value in members_of(exception).items() if name not in _STAYS}
    chain = (exception.__cause__, exception.__context__, exception.__suppress_context__) if chained else NO_CHAIN
    state = (members, exception.__dict__, None if chain == NO_CHAIN else chain)
    return made, (type(exception), exception.args, *contents_of(exception)), state, None, None, furnish


def made(kind: type[BaseException], args: tuple[Any, ...], contents: tuple[Any, ...] | None = None) -> BaseException:
    """Return an instance of `kind` with these arguments, and nothing else: its own code does not run.

    `contents`: what Python's own class needs to make one, where that is not `args`.
    """
    base: type = kind
    while base.__flags__ & _HEAP_TYPE:
        assert base.__base__ is not None
        base = base.__base__
    exception: BaseException = base.__new__(kind, *(args if contents is None else contents))
    object.__setattr__(exception, "args", args)
    return exception


def contents_of(exception: BaseException) -> tuple[tuple[Any, ...], ...]:
    """Return what Python's own class was given to make `exception`, in a tuple; an empty one if that was its `args`.

    The `args` of a group are whatever its class was called with.
    """
    if not isinstance(exception, BaseExceptionGroup):
        return ()
    message, members = exception.message, exception.exceptions
    match exception.args:
        case (str(), list() | tuple() as given) if [*map(id, given)] == [*map(id, members)]:
            return ()
    return ((message, members),)


def furnish(exception: BaseException, state: tuple[dict[str, Any], dict[str, Any], Chain | None]) -> None:
    """Fill in attributes that classes declare, own ones, and what the exception is chained to."""
    members, own, chain = state
    for name, value in members.items():
        with contextlib.suppress(AttributeError, TypeError):  # some can't be set, or not to None
            object.__setattr__(exception, name, value)
    exception.__dict__.update(own)
    if chain is not None:
        for name, value in zip(("__cause__", "__context__", "__suppress_context__"), chain, strict=True):
            object.__setattr__(exception, name, value)


def members_of(exception: BaseException) -> dict[str, Any]:
    """Return the attributes that lie outside the `__dict__`, as the `errno` of an OSError."""
    members, kind = {}, type(exception)
    for name, is_heap_type in _member_names(kind):  # type: ignore[arg-type]  # classes are hashable
        value = getattr(exception, name, None)
        if value is not None or is_heap_type:  # in C, None says that it is not set
            members[name] = value
    return members


@lru_cache(maxsize=256)
def _member_names(kind: type[BaseException]) -> list[tuple[str, int]]:
    """Return the names of these attributes, and whether a class that was made at run time declares them."""
    return [
        (name, base.__flags__ & _HEAP_TYPE)
        for base in kind.__mro__
        for name, descriptor in vars(base).items()
        if isinstance(descriptor, MemberDescriptorType | GetSetDescriptorType) and not name.startswith("__")
    ]


def _whole(make: Any, args: tuple[Any, ...], state: Any) -> BaseException:
    exception: BaseException = make(*args)
    furnish(exception, state)
    return exception


def _same(exception: BaseException) -> BaseException:
    return exception
