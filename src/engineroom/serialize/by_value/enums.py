"""Enums by value: each member is one object, with all that its class gave it.

The members are made first, without their values, which may refer to the class; nothing of the class's own
(`__new__`, `__init__`, `_generate_next_value_`) runs again.
"""

from __future__ import annotations

import copyreg
from collections.abc import Sequence
from enum import Enum, EnumMeta
from types import BuiltinMethodType
from typing import Any, NamedTuple


class Member(NamedTuple):
    """A member to be made: `data` and `options` are what its data type (`int`, `str`, ...) is made from."""

    name: str
    data: tuple[Any, ...]
    options: dict[str, Any]


def members_of(cls: EnumMeta) -> tuple[tuple[tuple[Any, ...], ...], dict[str, Any]]:
    """Return the members of an enum to be made, and for each name the state that it gets afterwards."""
    members, states = [], {}
    for name, member in cls._member_map_.items():
        if member._name_ == name:  # else it is an alias
            members.append((name, *_data(member)))
            states[name] = object.__getstate__(member)
    return tuple(members), states


def _data(member: Enum) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return what the data type of `member` makes its part of it from."""
    reduced: Any = object.__reduce_ex__(member, 2)
    make, args = reduced[:2]
    if make is copyreg.__newobj_ex__:  # type: ignore[attr-defined]
        return args[1], args[2]
    if make is copyreg.__newobj__:  # type: ignore[attr-defined]
        return args[1:], {}
    return args, {}


def is_member(value: Enum) -> bool:
    """Whether it was defined in its class; the others are combinations of flags."""
    return type(value)._member_map_.get(value._name_) is value


def by_value(cls: EnumMeta) -> dict[Any, Any]:
    """Return the members by value; combinations of flags are made anew where they are needed."""
    return {value: each for value, each in cls._value2member_map_.items() if is_member(each)}


def member(cls: type, name: str) -> Any:
    """Return the member of this name."""
    return type.__getattribute__(cls, "_member_map_")[name]


def bare_enum(
    meta: type[EnumMeta], name: str, bases: tuple[type, ...], attributes: dict[str, Any], members: Sequence[Any]
) -> type:
    """Return an enum whose members have no values yet."""
    made: Any = type.__new__(meta, name, bases, dict(attributes))
    new = _new_of(bases)
    bare = {each.name: new(made, *each.data, **each.options) for each in (Member(*parts) for parts in members)}
    type.__setattr__(made, "_member_map_", bare)
    type.__setattr__(made, "_value2member_map_", {})
    return made  # type: ignore[no-any-return]


def _new_of(bases: Sequence[type]) -> Any:
    """Return the `__new__` of the data type, as of `int`: the first one that is written in C."""
    candidates = (each for base in bases for each in base.__mro__ if each is not object)
    news = (vars(each).get("__new__") for each in candidates)
    return next((new for new in news if isinstance(new, BuiltinMethodType)), object.__new__)


def fill_members(made: EnumMeta, attributes: dict[str, Any], states: dict[str, Any]) -> None:
    """Give members their values; combinations of flags that are known here stay what they are."""
    known = vars(made)["_value2member_map_"]
    if not known:
        for name, state in states.items():
            _fill(member(made, name), state)
    attributes["_value2member_map_"] = {**attributes["_value2member_map_"], **known}


def _fill(value: Any, state: Any) -> None:
    own, slots = state if isinstance(state, tuple) else (state, None)
    vars(value).update(own or {})
    for name, content in (slots or {}).items():
        object.__setattr__(value, name, content)
