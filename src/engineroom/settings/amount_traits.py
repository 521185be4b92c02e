"""Options that are amounts: sizes with a unit, resources, tags."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import traitlets
from traitlets import TraitError, TraitType

from engineroom.settings.amounts import MOST_NAMES, amount_of, resources_of, tags_of


class Float(traitlets.Float[Any, Any]):
    """A number, which is finite: no option is NaN, and what is written for programs of ours cannot say infinity."""

    def validate(self, obj: Any, value: Any) -> float:
        try:
            number: float = super().validate(obj, value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise TraitError(f"{type(obj).__name__}.{self.name} must be a finite number, not {value!r}")
        return number


class Size(TraitType[int, Any]):
    """A number of bytes, as a number or as text such as '2GiB'; 0: none is set."""

    default_value = 0
    info_text = "a number of bytes, or text such as '2GiB'"

    def validate(self, obj: Any, value: Any) -> int:
        del obj
        try:
            size = 0 if value is None or value == "" else amount_of(str(self.name), value)
            if 0 < size < 1:
                raise ValueError(f"{self.name} is a number of bytes, and {value!r} is less than one")
            return int(size)
        except (TypeError, ValueError) as error:
            raise TraitError(str(error)) from None

    def from_string(self, s: str) -> Any:
        return s


class Resources(TraitType[dict[str, float], Any]):
    """Names and amounts, as a dict or as text: 'gpu=1,memory=4GiB'."""

    info_text = "a dict such as {'gpu': 1}, or text such as 'gpu=1,memory=4GiB'"

    def make_dynamic_default(self) -> dict[str, float]:
        return {}

    def default_value_repr(self) -> str:
        return "{}"

    def validate(self, obj: Any, value: Any) -> dict[str, float]:
        del obj
        try:
            found = resources_of(_read(value) if isinstance(value, str) else value)
        except (TypeError, ValueError) as error:
            raise TraitError(f"{self.name}: {error}") from None
        return dict(_few(str(self.name), found))

    def from_string(self, s: str) -> Any:
        return s

    def from_string_list(self, s_list: list[str]) -> Any:
        """Return what several arguments say together."""
        return ",".join(s_list)


class Tags(TraitType[list[str], Any]):
    """Tags, as a list or as text with commas."""

    info_text = "a list of texts, or text such as 'bigmem,fast'"

    def make_dynamic_default(self) -> list[str]:
        return []

    def default_value_repr(self) -> str:
        return "[]"

    def validate(self, obj: Any, value: Any) -> list[str]:
        del obj
        try:
            found = tags_of([tag.strip() for tag in value.split(",") if tag] if isinstance(value, str) else value)
        except (TypeError, ValueError) as error:
            raise TraitError(f"{self.name}: {error}") from None
        return list(_few(str(self.name), found))

    def from_string(self, s: str) -> Any:
        return s

    def from_string_list(self, s_list: list[str]) -> Any:
        """Return what several arguments say together."""
        return ",".join(s_list)


def _read(text: str) -> Mapping[str, str]:
    pairs = [each.partition("=") for each in text.split(",") if each.strip()]
    wrong = [name for name, equals, _ in pairs if not equals]
    if wrong:
        raise ValueError(f"expected name=amount, as in 'gpu=1,memory=4GiB', got {wrong[0]!r}")
    return {name.strip(): amount for name, _, amount in pairs}


def _few(name: str, found: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(found) > MOST_NAMES:
        raise TraitError(f"{name}: at most {MOST_NAMES} are possible, not {len(found)}")
    return found
