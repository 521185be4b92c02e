"""Classes of ctypes by value: structures, unions, arrays and simple types."""

from __future__ import annotations

import operator
import sys
from typing import Any

from engineroom.serialize.by_value.origins import importable

_ROOTS = ("Structure", "Union", "Array", "_SimpleCData", "_Pointer")
FIELDS = "_fields_"
"""The attribute that can be given to a class only once."""

_LAYOUT = ("_type_", "_length_", "_pack_", "_align_", "_layout_", "_anonymous_")
_SWAPPED = ("__ctype_be__", "__ctype_le__")


class _TypeOf:
    """Pickles as the metaclass of `cls`."""

    __slots__ = ("_cls",)

    def __init__(self, cls: type) -> None:
        self._cls = cls

    def __reduce__(self) -> tuple[Any, ...]:
        return type, (self._cls,)


def metaclass_of(cls: type) -> Any:
    """Return the metaclass, or what stands for one that has no name anywhere: only classes that it made lead to it."""
    meta = type(cls)
    if meta is type or importable(meta):
        return meta
    base = next((each for each in cls.__mro__[1:] if type(each) is meta and importable(each)), None)
    return meta if base is None else _TypeOf(base)


def layout_of(cls: type) -> dict[str, Any]:
    """Return the attributes that a class of ctypes needs before it has fields."""
    if not _is_of_ctypes(cls):
        return {}
    return {name: vars(cls)[name] for name in _LAYOUT if name in vars(cls)}


def is_field(value: object) -> bool:
    """Whether it is the descriptor of a field of a structure, which `_fields_` makes."""
    return type(value).__name__ == "CField"


def derived_by_ctypes(cls: type) -> tuple[Any, ...] | None:
    """Return how a class that ctypes derives from another is pickled: pointers, arrays, simple types with their bytes
    in the other order. None for all others."""
    if not _is_of_ctypes(cls):
        return None
    import ctypes  # it is there

    own = vars(cls)
    if cls.__bases__ == (ctypes._Pointer,):
        return ctypes.POINTER, (own["_type_"],)
    if cls.__bases__ == (ctypes.Array,) and cls.__name__ == f"{own['_type_'].__name__}_Array_{own['_length_']}":
        return operator.mul, (own["_type_"], own["_length_"])
    usual = getattr(ctypes, cls.__name__[: -len("_be")], None)
    return next(((getattr, (usual, name)) for name in _SWAPPED if getattr(usual, name, None) is cls), None)


def _is_of_ctypes(cls: type) -> bool:
    if type(cls) is type:
        return False
    ctypes: Any = sys.modules.get("_ctypes")
    return ctypes is not None and issubclass(cls, tuple(getattr(ctypes, name) for name in _ROOTS))
