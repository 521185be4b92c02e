"""Classes by value: made anew where they are not known, and left alone where they are.

What travels is what a class has become, not how it came about: hooks that ran when it was made in its script
(`__init_subclass__`, the `__new__` of a metaclass, `__set_name__`) do not run again, and what they did comes along.
Only a metaclass that the far end imports makes its classes itself, without their attributes, which follow.
"""

from __future__ import annotations

import abc
import operator
from enum import EnumMeta
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType
from typing import Any, NamedTuple
from weakref import WeakSet

import cloudpickle.cloudpickle as theirs

from engineroom.serialize.by_value.arrivals import arrivals
from engineroom.serialize.by_value.class_sources import keep_place, place_of
from engineroom.serialize.by_value.ctypes_classes import FIELDS, derived_by_ctypes, is_field, layout_of, metaclass_of
from engineroom.serialize.by_value.enums import bare_enum, by_value, fill_members, members_of
from engineroom.serialize.by_value.hooks import no_hooks
from engineroom.serialize.by_value.origins import HEAP_TYPE, importable, in_c
from engineroom.serialize.functions.interactive import home

_received: WeakSet[type] = WeakSet()
"""Classes that came by value; those defined here are never changed by what comes back."""

_REMADE = frozenset({"__module__", "__qualname__", "__orig_bases__"})
"""Needed, or set, when a class is made."""

_OF_THIS_PROCESS = frozenset({"_abc_impl", "_abc_cache", "_abc_negative_cache", "_abc_registry", "__annotate_func__"})


class Blueprint(NamedTuple):
    """What a class is made from; `attributes`: those that it needs from the start; `members`: of an enum;
    `place`: where it was defined (see `class_sources`)."""

    meta: Any
    name: str
    bases: tuple[type, ...]
    attributes: dict[str, Any]
    members: tuple[tuple[Any, ...], ...]
    tracker_id: str
    place: tuple[Any, ...] | None


class ClassState(NamedTuple):
    """What is given to a class once it is there, and may refer to it; `members`: name to state, of an enum."""

    attributes: dict[str, Any]
    registered: tuple[type, ...]
    members: dict[str, Any]


def reduce_class(cls: type) -> Any:
    """Return how `cls` is pickled: NotImplemented for what the far end imports."""
    if importable(cls):
        return NotImplemented
    if not cls.__flags__ & HEAP_TYPE:  # written in C, such as `NoneType`
        return theirs._class_reduce(cls)
    generic = vars(cls).get("__pydantic_generic_metadata__")
    if generic and generic["origin"] and generic["args"]:  # such as `Box[int]`: pydantic makes one for each argument
        return operator.getitem, (generic["origin"], generic["args"])
    if derived := derived_by_ctypes(cls):
        return derived
    attributes = _attributes(cls)
    members: tuple[tuple[Any, ...], ...] = ()
    states: dict[str, Any] = {}
    if isinstance(cls, EnumMeta):
        members, states = members_of(cls)
        attributes["_value2member_map_"] = by_value(cls)
    identity = theirs._get_or_create_tracker_id(cls)
    meta, start, place = metaclass_of(cls), _from_the_start(cls), place_of(cls)
    blueprint = Blueprint(meta, cls.__name__, cls.__bases__, start, members, identity, place and tuple(place))
    state = ClassState(attributes, _registered(cls), states)
    return make_class, tuple(blueprint), tuple(state), None, None, set_class_state


def make_class(*blueprint: Any) -> type:
    """Return the class with this tracker id, if it is known here, else a new one to be filled."""
    plan = Blueprint(*blueprint)
    known = theirs._DYNAMIC_CLASS_TRACKER_BY_ID.get(plan.tracker_id)
    if isinstance(known, type):
        return known
    made: type = theirs._lookup_class_or_track(plan.tracker_id, _make(plan))
    _received.add(made)
    keep_place(made, plan.place)
    if home.namespace is not None:
        arrivals.note(made)
    return made


def set_class_state(made: type, parts: tuple[Any, ...]) -> None:
    """Give a class that was made here its attributes."""
    if made not in _received:
        return
    state = ClassState(*parts)
    give = _setter(type(made))
    if isinstance(made, EnumMeta):
        fill_members(made, state.attributes, state.members)
    for name, value in state.attributes.items():
        if name != FIELDS:
            give(made, name, value)
        elif FIELDS not in vars(made):
            setattr(made, name, value)
    if "__firstlineno__" in state.attributes:  # Python 3.13 forgets it when other attributes are set
        give(made, "__firstlineno__", state.attributes["__firstlineno__"])
    for each in state.registered:
        made.register(each)  # type: ignore[attr-defined]  # only an ABCMeta has any


def _from_the_start(cls: type) -> dict[str, Any]:
    own = vars(cls)
    attributes = {name: own[name] for name in _REMADE if name in own}
    attributes["__qualname__"] = cls.__qualname__
    attributes.update(layout_of(cls))
    if "__slots__" in own:
        # As Python has named them: private ones with the class's name in front.
        attributes["__slots__"] = tuple(name for name, value in own.items() if _is_slot(cls, name, value))
    return attributes


def _is_slot(cls: type, name: str, value: object) -> bool:
    if name in {"__dict__", "__weakref__"}:
        return isinstance(value, GetSetDescriptorType)
    return isinstance(value, MemberDescriptorType) and value.__objclass__ is cls and value.__name__ == name


def _attributes(cls: type) -> dict[str, Any]:
    """Return what a class has beside what making it gives it, in order."""
    return {
        name: value
        for name, value in vars(cls).items()
        if name not in _REMADE
        and name not in _OF_THIS_PROCESS
        and not _is_slot(cls, name, value)
        and not is_field(value)
    }


def _registered(cls: type) -> tuple[type, ...]:
    """Return the classes that an abstract class was told to count as its subclasses."""
    if not isinstance(cls, abc.ABCMeta):
        return ()
    references: Any = abc._get_dump(cls)[0]  # type: ignore[attr-defined]
    return tuple(each for each in (reference() for reference in references) if each is not None)


def _natural(meta: type[type]) -> Any:
    """Return the first of a metaclass and its bases that is not by value: it knows how its classes are made."""
    return next(each for each in _lineage(meta) if importable(each) or in_c(each))


def _lineage(meta: type[type]) -> tuple[type, ...]:
    return type.__dict__["__mro__"].__get__(meta)  # type: ignore[no-any-return]


def _make(plan: Blueprint) -> type:
    if issubclass(plan.meta, EnumMeta):
        with no_hooks(plan.bases):
            return bare_enum(plan.meta, plan.name, plan.bases, plan.attributes, plan.members)
    natural: Any = _natural(plan.meta)
    try:
        with no_hooks(plan.bases):
            namespace = natural.__prepare__(plan.name, plan.bases)
            namespace.update(plan.attributes)
            made: type = natural.__new__(plan.meta, plan.name, plan.bases, namespace)
            natural.__init__(made, plan.name, plan.bases, namespace)
        return made
    except Exception:  # noqa: BLE001 -- whoever wrote it may insist on attributes that only follow
        with no_hooks(plan.bases, imported=True):
            plain: type = type.__new__(plan.meta, plan.name, plan.bases, dict(plan.attributes))
        return plain


def _setter(meta: type[type]) -> Any:
    """Return what sets an attribute of a class as it was there, whatever a metaclass has to say about it."""
    setters = ((each.__setattr__, vars(each).get("__setattr__")) for each in _lineage(meta))
    return next(setter for setter, own in setters if own is not None and not isinstance(own, FunctionType))
