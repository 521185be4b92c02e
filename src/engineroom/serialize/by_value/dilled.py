"""Pickles in which dill has its say: about what neither pickle nor cloudpickle can send, such as open files."""

from __future__ import annotations

import pickle
from types import ModuleType
from typing import Any

from engineroom.serialize.by_value.ruled import RuledPickler

_MISSING = (
    "dill is not installed where {who}. Install it there (`pip install dill`), or send what cloudpickle can send and "
    "do not call `use_dill()`."
)


def find_dill(who: str = "`use_dill()` was called") -> ModuleType:
    """Return dill; ModuleNotFoundError says where it is missing. `who`: what needs it, as a clause."""
    try:
        import dill  # only who asks for it needs it
    except ModuleNotFoundError as error:
        if error.name != "dill":
            raise
        raise ModuleNotFoundError(_MISSING.format(who=who), name="dill") from None
    found: ModuleType = dill
    return found


def from_dill(data: bytes) -> Any:
    """Return a value that dill has packed."""
    return find_dill("a value arrived that dill has packed").loads(data)


class DillPickler(RuledPickler):
    """A pickler for what the usual one has refused: parts that dill knows travel by dill, all others as always."""

    def reducer_override(self, value: Any) -> Any:
        try:
            reduced = super().reducer_override(value)
            if reduced is NotImplemented and self._is_for_dill(type(value)):
                value.__reduce_ex__(5)  # what can be sent without dill goes without it
        except (TypeError, pickle.PicklingError):
            return from_dill, (find_dill().dumps(value),)
        return reduced

    def _is_for_dill(self, kind: type) -> bool:
        return kind not in _PLAIN and kind not in self.dispatch_table and kind in find_dill().Pickler.dispatch


_PLAIN = frozenset(pickle._Pickler.dispatch)  # type: ignore[attr-defined]  # the types that pickle has in its own code
