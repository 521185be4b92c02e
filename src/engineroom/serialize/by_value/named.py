"""Objects that pickle as the name of a global, where the far end has no such global.

A `NewType`, a type variable or a sentinel of a script says to pickle that it is found under its name. The far end
gets one that is made like it, the same one each time; what comes back is the script's own.
"""

from __future__ import annotations

import contextlib
import sys
import typing
import uuid
from collections.abc import Callable
from typing import Any
from weakref import WeakValueDictionary

import cloudpickle.cloudpickle as theirs

_by_identity: WeakValueDictionary[str, Any] = WeakValueDictionary()
_kept: dict[str, Any] = {}
"""Those that can't be referred to weakly."""
_identities: dict[int, str] = {}
_to_be_filled: set[str] = set()


def reduce_named(value: Any, name: str) -> Any:
    """Return how `value`, which asks to be pickled as the global `name`, is pickled."""
    if found_under(value, name):
        return name
    return make_named, (_identity(value), type(value)), object.__getstate__(value), None, None, _fill_named


def found_under(value: object, name: str) -> bool:
    """Whether the far end finds `value` as `name` in the module that it says it is in."""
    module = _module_of(value, name)
    if module == "__main__" or theirs._is_registered_pickle_by_value(sys.modules.get(module, theirs)):
        return False
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found is value


def _module_of(value: object, name: str) -> str:
    module = getattr(value, "__module__", None)
    return module if isinstance(module, str) else theirs._whichmodule(value, name) or "__main__"


def reduce_variable(value: Any) -> Any:
    """Return how a type variable or a type alias is pickled."""
    if found_under(value, value.__name__):
        return value.__name__
    args, options = _VARIABLES[type(value)](value)
    return make_variable, (_identity(value), type(value), args, options, value.__module__)


def make_named(identity: str, kind: Any) -> Any:
    """Return the object that stands for this one here; if it is new, it is filled afterwards."""
    known = _known(identity)
    if known is not None:
        return known
    new = kind.__new__ if kind.__new__ is not object.__new__ and not _is_python(kind.__new__) else object.__new__
    made = new(kind)
    _keep(identity, made)
    _to_be_filled.add(identity)
    return made


def _fill_named(value: Any, state: Any) -> None:
    identity = _identity(value)
    if identity not in _to_be_filled:
        return
    _to_be_filled.discard(identity)
    own, slots = state if isinstance(state, tuple) else (state, None)
    if own:
        vars(value).update(own)
    for name, content in (slots or {}).items():
        object.__setattr__(value, name, content)


def make_variable(identity: str, kind: Any, args: tuple[Any, ...], options: dict[str, Any], module: str) -> Any:
    """Return the type variable that stands for this one here."""
    known = _known(identity)
    if known is not None:
        return known
    made = kind(*args, **options)
    with contextlib.suppress(AttributeError):  # that of an alias can't be set
        made.__module__ = module
    _keep(identity, made)
    return made


def _is_python(new: object) -> bool:
    return hasattr(new, "__code__")


def _known(identity: str) -> Any:
    return _kept[identity] if identity in _kept else _by_identity.get(identity)


def _identity(value: object) -> str:
    identity = _identities.get(id(value))
    if identity is None or _known(identity) is not value:
        identity = uuid.uuid4().hex
        _keep(identity, value)
    return identity


def _keep(identity: str, value: object) -> None:
    try:
        _by_identity[identity] = value
    except TypeError:
        _kept[identity] = value
    _identities[id(value)] = identity


def _of_variable(value: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    names = ("bound", "covariant", "contravariant", "infer_variance")
    options = {name: getattr(value, f"__{name}__") for name in names if getattr(value, f"__{name}__", None)}
    return (value.__name__, *getattr(value, "__constraints__", ())), {**options, **_default(value)}


def _default(value: Any) -> dict[str, Any]:
    """Return the default of a type variable, which Python 3.13 and later know."""
    return {"default": value.__default__} if getattr(value, "has_default", bool)() else {}


def _of_alias(value: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return (value.__name__, value.__value__), {"type_params": value.__type_params__}


_VARIABLES: dict[type, Callable[[Any], tuple[tuple[Any, ...], dict[str, Any]]]] = {
    typing.TypeVar: _of_variable,
    typing.ParamSpec: _of_variable,
    typing.TypeVarTuple: lambda value: ((value.__name__,), _default(value)),
}
if sys.version_info >= (3, 12):
    _VARIABLES[typing.TypeAliasType] = _of_alias

VARIABLES = dict.fromkeys(_VARIABLES, reduce_variable)
"""How each kind of type variable is pickled."""
