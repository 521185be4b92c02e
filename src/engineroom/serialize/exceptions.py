"""Exceptions taken apart and put together again without calling their `__init__`, which may want anything."""

from __future__ import annotations

import contextlib
import copyreg
from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any

_HEAP_TYPE = 1 << 9
"""Flag of classes that were made at run time; the others are written in C and part of Python."""

_OWN_WAYS = ("__reduce__", "__reduce_ex__", "__getstate__", "__setstate__", "__getnewargs__", "__getnewargs_ex__")
_STAYS = frozenset({"args", "obj"})
"""`obj` of an AttributeError may be anything, and does not travel with plain pickle either."""


class Parts:
    """Pickles as the exception that it is made of; its traceback and causes stay behind."""

    __slots__ = ("exception",)

    def __init__(self, exception: BaseException) -> None:
        self.exception = exception

    def __reduce__(self) -> Any:
        kind = type(self.exception)
        if kind in copyreg.dispatch_table or any(
            way in vars(base) for base in kind.__mro__ if base.__flags__ & _HEAP_TYPE for way in _OWN_WAYS
        ):
            return _same, (self.exception,)
        members = {name: value for name, value in members_of(self.exception).items() if name not in _STAYS}
        return revive, (kind, self.exception.args, members, self.exception.__dict__)


def revive(
    kind: type[BaseException], args: tuple[Any, ...], members: dict[str, Any], own: dict[str, Any]
) -> BaseException:
    """Return an instance of `kind` with these arguments, attributes that its classes declare, and own ones."""
    base = next(base for base in kind.__mro__ if not base.__flags__ & _HEAP_TYPE)
    exception: BaseException = base.__new__(kind, *args)
    for name, value in members.items():
        with contextlib.suppress(AttributeError, TypeError):  # some can't be set, or not to None
            object.__setattr__(exception, name, value)
    object.__setattr__(exception, "args", args)
    exception.__dict__.update(own)
    return exception


def members_of(exception: BaseException) -> dict[str, Any]:
    """Return the attributes that lie outside the `__dict__`, as the `errno` of an OSError."""
    members = {}
    for base in type(exception).__mro__:
        for name, descriptor in vars(base).items():
            if isinstance(descriptor, MemberDescriptorType | GetSetDescriptorType) and not name.startswith("__"):
                value = getattr(exception, name, None)
                if value is not None or base.__flags__ & _HEAP_TYPE:  # in C, None says that it is not set
                    members[name] = value
    return members


def _same(exception: BaseException) -> BaseException:
    return exception
