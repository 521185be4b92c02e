"""Names for whoever types: found without running what users wrote."""

from __future__ import annotations

import sys
import types
from typing import Any

import pytest

from engineroom.engine.names_here import attribute_of, attributes_of, names_that_begin


def fails(*_: Any, **__: Any) -> Any:
    raise AssertionError("the user's code was run")


class Meta(type):
    __getattr__ = fails
    __dir__ = fails


class Guarded(metaclass=Meta):
    plain = 1
    seen = property(fails)
    __getattr__ = __dir__ = __eq__ = __hash__ = __repr__ = __bool__ = fails  # type: ignore[assignment]

    def __init__(self) -> None:
        vars(self)["own"] = types.SimpleNamespace(inner=3)

    def method(self) -> None: ...


class Jealous:
    def __getattribute__(self, name: str) -> Any:
        return fails()


class Slotted:
    __slots__ = ("left", "right")


class Hidden:
    __dict__ = property(fails)  # type: ignore[assignment]
    shown = 1


class Descriptor:
    def __get__(self, *_: Any) -> Any:
        return fails()


class WithDescriptor:
    value = Descriptor()


class Key(str):
    __slots__ = ()
    __eq__ = fails
    __hash__ = str.__hash__


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    main = types.ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", main)
    vars(main).clear()
    return vars(main)


def test_names_of_the_namespace(names: dict[str, Any]) -> None:
    names.update(alpha=1, alphabet=2, beta=3, _alpha=4)
    assert names_that_begin("al") == ("alpha", "alphabet")
    assert names_that_begin("") == ("alpha", "alphabet", "beta")
    assert names_that_begin("_") == ("_alpha",)
    assert names_that_begin("gamma") == names_that_begin("gamma.x") == ()


def test_attributes_of_modules_classes_and_instances(names: dict[str, Any]) -> None:
    slotted = Slotted()
    slotted.left = types.SimpleNamespace(deep=1)  # type: ignore[attr-defined]
    names.update(sys=sys, guarded=Guarded(), Guarded=Guarded, slotted=slotted)
    assert "sys.path" in names_that_begin("sys.pa")
    assert names_that_begin("guarded.") == ("guarded.method", "guarded.own", "guarded.plain", "guarded.seen")
    assert names_that_begin("guarded.own.") == ("guarded.own.inner",)
    assert names_that_begin("Guarded.pl") == ("Guarded.plain",)
    assert names_that_begin("slotted.left.d") == ("slotted.left.deep",)
    assert names_that_begin("slotted.right.") == ()
    assert "str.upper" in names_that_begin("str.up")
    assert "guarded.plain.bit_count" in names_that_begin("guarded.plain.bit")


def test_no_code_of_the_user_is_run(names: dict[str, Any]) -> None:
    names.update(guarded=Guarded(), jealous=Jealous(), hidden=Hidden(), described=WithDescriptor())
    names[Key("other")] = 1
    assert names_that_begin("oth") == ()
    assert names_that_begin("guarded.seen.") == ()
    assert names_that_begin("guarded.not_there.") == ()
    assert names_that_begin("jealous.x") == ()
    assert names_that_begin("hidden.sh") == ("hidden.shown",)
    assert names_that_begin("described.value.") == ()
    assert names_that_begin("Guarded.x") == names_that_begin("guar.x") == ()


def test_what_is_looked_at_may_be_anything() -> None:
    for value in (None, 1, "a", [], {}, type, object(), Meta, Guarded, sys, len, lambda: 1, types, Slotted()):
        assert set(attributes_of(value))
        attribute_of(value, "__class__")


def test_very_many_names_are_bounded(names: dict[str, Any]) -> None:
    names.update({f"name_{number:05}": number for number in range(5000)}, **{"n" * 3000: 1})
    found = names_that_begin("n")
    assert len(found) <= 1000
    assert max(map(len, found)) <= 200
