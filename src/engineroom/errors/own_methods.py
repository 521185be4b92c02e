"""Methods under the name of the class that users know, wherever they are defined."""

from __future__ import annotations

from types import CellType, FunctionType
from typing import Any, TypeGuard, TypeVar

_Class = TypeVar("_Class", bound=type)

_MARK = "_engineroom_owns_methods"
_SPECIAL = frozenset({"__init__", "__call__"})


def owns_methods(kind: _Class) -> _Class:
    """Decorate a public class that is made of parts: errors and help show `Client.abort`, not the part's name.

    It has copies of its parts' public methods. Those of a base that is decorated, too, stay as they are. Outermost of
    all decorators.
    """
    seen: set[str] = set()
    for base in kind.__mro__:
        if _MARK in vars(base):
            break
        for name, member in list(vars(base).items()):
            if name not in seen and _is_shown(member, name) and member.__qualname__ != f"{kind.__qualname__}.{name}":
                setattr(kind, name, _under(kind, member))
        seen.update(vars(base))
    setattr(kind, _MARK, True)
    return kind


def _is_shown(member: object, name: str) -> TypeGuard[FunctionType]:
    public = not name.startswith("_") or name in _SPECIAL
    return public and isinstance(member, FunctionType) and member.__module__.startswith("engineroom.")


def _under(kind: type, method: FunctionType) -> FunctionType:
    """Return a copy that belongs to `kind`, of a method and of all that it wraps: any of them may refuse arguments."""
    wrapped = method.__dict__.get("__wrapped__")
    inner: Any = _under(kind, wrapped) if isinstance(wrapped, FunctionType) else wrapped
    closure = tuple(
        CellType(inner) if wrapped is not None and cell.cell_contents is wrapped else cell
        for cell in method.__closure__ or ()
    )
    copy = FunctionType(method.__code__, method.__globals__, method.__name__, method.__defaults__, closure or None)
    copy.__kwdefaults__, copy.__annotations__ = method.__kwdefaults__, method.__annotations__
    copy.__doc__, copy.__module__ = method.__doc__, kind.__module__
    copy.__qualname__ = f"{kind.__qualname__}.{method.__name__}"
    copy.__dict__.update(method.__dict__)
    if wrapped is not None:
        copy.__dict__["__wrapped__"] = inner
    return copy
