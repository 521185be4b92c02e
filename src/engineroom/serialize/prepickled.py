"""Values that are pickled once and sent many times."""

from __future__ import annotations

from typing import Any

from engineroom.serialize.payloads import pickled, unpickled


class PrePickled:
    """Stands for `value` as it is now; an engine gets the value itself.

    For a large argument of many calls: `view.apply(f, PrePickled(table))` pickles the table once.
    PackError: the value can't be sent.
    """

    __slots__ = ("_pickle",)

    def __init__(self, value: object) -> None:
        self._pickle = pickled(value)

    def __repr__(self) -> str:
        return f"<PrePickled: {len(self._pickle)} bytes>"

    def __reduce__(self) -> tuple[Any, ...]:
        return unpickled, (self._pickle,)
