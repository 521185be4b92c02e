"""Rules of users for how values of their types travel, by the names that scripts written for ipyparallel know.

`can_map` has, for a type, the function that turns its values into something that can be pickled; `uncan_map` has, for a
type of what such functions return, the function `f(canned, namespace)` that turns it back. Where values are unpacked,
no rules are needed: the way back travels along.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from types import BuiltinFunctionType, FunctionType
from typing import Any

from engineroom.serialize.payloads import pickled, unpickled
from engineroom.serialize.references import Reference
from engineroom.serialize.rules import Rule, opener_of, openers, rule_for, rules

Kind = type | tuple[type, ...] | str

_AS_THEY_ARE = frozenset(
    {type(None), bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset}
    | {type, FunctionType, BuiltinFunctionType}
)
"""Types that pickle itself knows, and the parts of all others: no rule could reach them, or only some of them."""


class Rules(MutableMapping[Kind, Rule]):
    """How values of these types travel. A key is a type, several, or the full name of one, which need not be imported.

    A rule is for exactly this type, not for types that are derived from it. TypeError: there can be none for this type.
    """

    def __getitem__(self, kind: Kind) -> Rule:
        rule: Rule = rules[kind]
        return rule

    def __setitem__(self, kind: Kind, rule: Rule) -> None:
        for each in kind if isinstance(kind, tuple) else (kind,):
            if isinstance(each, str) and "." not in each:
                raise ValueError(f"{each!r} is not the full name of a type: expected one such as 'numpy.ndarray'")
            if not isinstance(each, type | str):
                raise TypeError(f"expected a type or the full name of one, got {each!r}")
            if each in _AS_THEY_ARE:
                raise TypeError(
                    f"values of type {each.__name__!r} always travel in their own way. Wrap them in a class of your "
                    "own, and add a rule for that class"
                )
        if not callable(rule):
            raise TypeError(f"expected a function that takes a value, got {rule!r}")
        rules[kind] = rule

    def __delitem__(self, kind: Kind) -> None:
        del rules[kind]

    def __iter__(self) -> Iterator[Kind]:
        return iter(rules)

    def __len__(self) -> int:
        return len(rules)

    def __repr__(self) -> str:
        return f"can_map({rules!r})"


class CannedObject:
    """A packed value; a class of yours may derive from it, and define `get_object`, to need no rule in `uncan_map`."""

    def __init__(self, obj: object) -> None:
        self._pickle = pickled(obj)

    def get_object(self, g: dict[str, Any] | None = None) -> Any:
        """Return the value; the global names of a function from a script or notebook are looked up in `g`."""
        value = unpickled(self._pickle)
        if g is None or type(value) is not FunctionType or value.__module__ != "__main__":
            return value
        made = FunctionType(value.__code__, g, value.__name__, value.__defaults__, value.__closure__)
        made.__kwdefaults__ = value.__kwdefaults__
        return made


def _get_object(canned: CannedObject, g: dict[str, Any] | None) -> Any:
    return canned.get_object(g)


can_map = Rules()
uncan_map = openers
uncan_map[CannedObject] = _get_object


def can(obj: Any) -> Any:
    """Return what can be pickled anywhere: `obj` by its rule in `can_map`, a packed function or class, or `obj`."""
    rule = rule_for(type(obj))
    if rule is not None:
        return rule(obj)
    return CannedObject(obj) if isinstance(obj, type | FunctionType) else obj


def uncan(obj: Any, g: dict[str, Any] | None = None) -> Any:
    """Return what `can` was given to make `obj`, also within lists, tuples and dicts.

    `g`: the namespace of functions and References.
    """
    opener = opener_of(obj)
    if opener is not None:
        return opener(obj, g)
    if isinstance(obj, Reference) and g is not None:
        return eval(obj.name, g)  # an expression is what a Reference promises
    if type(obj) is dict:
        return {key: uncan(value, g) for key, value in obj.items()}
    return type(obj)(uncan(each, g) for each in obj) if type(obj) in {list, tuple} else obj


__all__ = ["CannedObject", "can", "can_map", "uncan", "uncan_map"]
