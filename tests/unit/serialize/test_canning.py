"""Rules of users for how values travel."""

from __future__ import annotations

import fractions
import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import engineroom as er
from engineroom.serialize.canning import CannedObject
from engineroom.serialize.functions.packing import pack_call, unpack_call
from engineroom.serialize.payloads import pack, unpack
from engineroom.serialize.rules import rules


class Held:
    """A value that no pickle takes."""

    def __init__(self, value: Any) -> None:
        self.value, self.lock = value, threading.Lock()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Held) and self.value == other.value

    __hash__ = None  # type: ignore[assignment]


class Derived(Held):
    pass


class CannedHeld(CannedObject):
    """A canned Held that knows the way back."""

    def __init__(self, held: Held) -> None:
        self.value = held.value

    def get_object(self, g: dict[str, Any] | None = None) -> Held:
        del g
        return Held(self.value)


@pytest.fixture(autouse=True)
def rules_end() -> Iterator[None]:
    openers = dict(er.uncan_map)
    yield
    er.can_map.clear()
    er.uncan_map.clear()
    er.uncan_map.update(openers)


_plain = st.integers() | st.text(max_size=3) | st.none()
_held = st.recursive(
    _plain | _plain.map(Held), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner)
)


@given(_held)
def test_values_with_a_rule_travel_wherever_they_are(value: Any) -> None:
    er.can_map[Held] = CannedHeld
    assert unpack(pack(value)) == value
    assert unpack_call(pack_call((value,), {"key": value})) == ((value,), {"key": value})


def test_the_way_back_travels_along() -> None:
    er.can_map[Held] = lambda held: OrderedDict(value=held.value)
    er.uncan_map[OrderedDict] = lambda canned, g: Held(canned["value"])
    packed = pack([Held(1), Held([2])])
    er.can_map.clear()
    er.uncan_map.clear()
    assert unpack(packed) == [Held(1), Held([2])]


def test_without_a_way_back_what_is_canned_arrives() -> None:
    er.can_map[Held] = lambda held: ("held", held.value)
    assert unpack(pack({"a": Held(1)})) == {"a": ("held", 1)}


def test_a_rule_is_for_exactly_its_type_and_may_return_the_same_type() -> None:
    er.can_map[fractions.Fraction] = lambda value: value + 1
    er.uncan_map[fractions.Fraction] = lambda value, g: value * 10
    assert unpack(pack(fractions.Fraction(1))) == 20
    er.can_map[Held] = CannedHeld
    with pytest.raises(er.PackError, match="lock"):
        pack(Derived(1))


def test_types_by_their_names_and_several_types() -> None:
    er.can_map["nosuch.module.Type"] = CannedHeld
    er.can_map[f"{__name__}.Held", Derived] = CannedHeld
    assert unpack(pack([Held(1), Derived(2)])) == [Held(1), Held(2)]
    assert er.can(Derived(1)).get_object() == Held(1)
    assert len(er.can_map) == 2


def test_a_rule_that_fails_says_so() -> None:
    def fail(held: Held) -> None:
        raise ValueError(f"no way for {held.value}")

    er.can_map[Held] = fail
    with pytest.raises(er.PackError, match="no way for 7"):
        pack([Held(7)])


@pytest.mark.parametrize(
    ("kind", "rule", "error", "words"),
    [
        (list, CannedHeld, TypeError, "Wrap them in a class of your own"),
        (type(pack), CannedHeld, TypeError, "always travel in their own way"),
        ((Held, dict), CannedHeld, TypeError, "'dict'"),
        ("type", CannedHeld, ValueError, "not the full name of a type"),
        (3, CannedHeld, TypeError, "expected a type"),
        (Held, None, TypeError, "expected a function"),
    ],
)
def test_rules_that_could_have_no_effect(kind: Any, rule: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        er.can_map[kind] = rule
    assert not rules


def test_by_hand() -> None:
    assert er.can(3) == 3
    names = {"base": 100}
    function: Any = eval("lambda x, *, y=1: base + x + y", {"__name__": "__main__"})
    canned = er.can(function)
    assert er.uncan(canned, names)(2) == 103
    assert er.uncan(er.can(Held)) is Held
    assert er.uncan({"a": [canned, (er.Reference("base + 1"), 5)]}, names)["a"][1] == (101, 5)
    assert unpack(pack(canned)).get_object(names)(1, y=0) == 101
