"""Pickles in which dill has its say: about what neither pickle nor cloudpickle can send, such as open files."""

from __future__ import annotations

import pickle
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from engineroom.serialize.by_value.ruled import RuledPickler

_MISSING = (
    "dill is not installed where {who}. Install it there (`pip install dill`), or send what cloudpickle can send and "
    "do not call `use_dill()`."
)

_BY_NAME = frozenset({FunctionType, BuiltinFunctionType})
"""Of these, what can be imported is pickled by name."""


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
            if reduced is NotImplemented and self._is_known(type(value)):
                self._try_without(value)
        except (TypeError, pickle.PicklingError):
            return from_dill, (find_dill().dumps(value),)
        return reduced

    def _is_known(self, kind: type) -> bool:
        return kind not in _BY_NAME and kind in find_dill().Pickler.dispatch

    def _try_without(self, value: Any) -> None:
        """Raise what keeps `value` from being sent without dill, if anything does."""
        way = self.dispatch_table.get(type(value))
        value.__reduce_ex__(5) if way is None else way(value)
