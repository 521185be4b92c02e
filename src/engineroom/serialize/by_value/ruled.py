"""Pickles in which values travel by the rules of the user (see `canning`)."""

from __future__ import annotations

from typing import Any

from engineroom.errors import PackError
from engineroom.serialize.by_value.pickler import ByValuePickler
from engineroom.serialize.rules import opened, opener_of, rule_for


class RuledPickler(ByValuePickler):
    """A ByValuePickler for as long as there are rules."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._canned: dict[int, object] = {}

    def reducer_override(self, value: Any) -> Any:
        rule = None if id(value) in self._canned else rule_for(type(value))
        if rule is None:
            return super().reducer_override(value)
        try:
            canned = rule(value)
        except Exception as error:
            name, why = type(value).__qualname__, f"{type(error).__name__}: {error}"
            raise PackError(f"a value cannot be sent: the rule for {name!r} in can_map raised {why}") from error
        self._canned[id(canned)] = canned  # it may be of the same type, and travels as it is
        return super().reducer_override(value) if canned is value else (opened, (canned, opener_of(canned)))
