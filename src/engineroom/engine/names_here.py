"""Names that begin in some way, for whoever types: found without running any code of the user's.

Properties, `__getattr__`, `__dir__` and the like are not asked, since the I/O thread looks while the main thread runs
the user's code.
"""

from __future__ import annotations

import builtins
import sys
import types
from collections.abc import Iterable, Mapping
from typing import Any

from engineroom.protocol.ranges import LONGEST_NAME, MOST_NAMES

_NOTHING = object()
_DICT_OF_TYPE: Any = vars(type)["__dict__"]
_MRO_OF_TYPE: Any = vars(type)["__mro__"]
_AS_IT_IS = (types.FunctionType, types.BuiltinFunctionType, types.MethodDescriptorType, type)
"""What an attribute of a class is that needs no descriptor to be run."""

_MADE_IN_C = (types.GetSetDescriptorType, types.MemberDescriptorType)


def names_that_begin(text: str) -> tuple[str, ...]:
    """Return the names in the namespace of cells, or the attributes for a dotted `text`, in order.

    Each is a whole `text`: "np.lin" gives "np.linspace". Names that begin with _ are for those who type it.
    """
    *path, start = text.split(".")
    names: Mapping[str, Any] = vars(sys.modules["__main__"])
    if not path:
        return _chosen("", start, list(names))
    value = _item(names, path[0])
    if value is _NOTHING:
        value = _item(vars(builtins), path[0])
    for name in path[1:]:
        value = _NOTHING if value is _NOTHING else attribute_of(value, name)
    return () if value is _NOTHING else _chosen(".".join(path) + ".", start, attributes_of(value))


def attributes_of(value: Any) -> Iterable[str]:
    """Return the names of attributes of `value` that can be found without asking it."""
    found = set(_own(value))
    for kind in _kinds(value):
        found.update(name for name in list(_DICT_OF_TYPE.__get__(kind)) if type(name) is str)
    return found


def attribute_of(value: Any, name: str) -> Any:
    """Return an attribute of `value` if nobody has to be asked for it, else _NOTHING."""
    own = _item(_own(value), name)
    if own is not _NOTHING and not _is_class(value):
        return own
    for kind in _kinds(value):
        found = _item(_DICT_OF_TYPE.__get__(kind), name)
        if found is _NOTHING:
            continue
        if type(found) is types.MemberDescriptorType:  # a slot
            try:
                return found.__get__(value) if not _is_class(value) else _NOTHING
            except AttributeError:
                return _NOTHING
        is_plain = _is_one_of(type(found), _AS_IT_IS) or _item(_all_of(type(found)), "__get__") is _NOTHING
        return found if is_plain else _NOTHING
    return _NOTHING


def _kinds(value: Any) -> tuple[type, ...]:
    kinds: tuple[type, ...] = _MRO_OF_TYPE.__get__(value if _is_class(value) else type(value))
    return kinds


def _own(value: Any) -> Mapping[str, Any]:
    """Return the dict of an instance, {} if it has none, or one that its class makes by code of its own."""
    if _is_class(value):
        return {}
    entry = _item(_all_of(type(value)), "__dict__")
    if entry is not _NOTHING and not _is_one_of(type(entry), _MADE_IN_C):
        return {}
    try:
        own = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return own if type(own) is dict else {}


def _is_class(value: Any) -> bool:
    """Whether `value` is a class; `isinstance` would ask it for its `__class__`."""
    return _is_one_of(type, _MRO_OF_TYPE.__get__(type(value)))


def _is_one_of(kind: type, kinds: Iterable[type]) -> bool:
    """Whether `kind` is one of these, without comparing them, for which a metaclass may have code."""
    return any(each is kind for each in kinds)


def _all_of(kind: type) -> dict[str, Any]:
    """Return what a class and its bases have; what comes first wins."""
    found: dict[str, Any] = {}
    for each in reversed(_MRO_OF_TYPE.__get__(kind)):
        found.update(_DICT_OF_TYPE.__get__(each))
    return found


def _item(names: Mapping[str, Any], wanted: str) -> Any:
    """Return the value of a name; keys that are no plain str are not compared, since they may have code for that."""
    return next((value for name, value in list(names.items()) if type(name) is str and name == wanted), _NOTHING)


def _chosen(before: str, start: str, names: Iterable[Any]) -> tuple[str, ...]:
    plain = (name for name in names if type(name) is str and name.startswith(start) and name.isidentifier())
    shown = sorted(name for name in plain if start.startswith("_") or not name.startswith("_"))
    return tuple(name for name in (before + each for each in shown[:MOST_NAMES]) if len(name) <= LONGEST_NAME)
