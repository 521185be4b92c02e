"""Values that are pickled once and sent many times."""

from __future__ import annotations

from typing import Any

from engineroom.serialize.payloads import pickled, unpickled


class PrePickled:
    """A snapshot of `obj` that is pickled once; an engine receives the value itself.

    Use it for a large argument of many calls: `data = PrePickled(table)`, then `view.apply(f, data)`.
    PackError: the value cannot be sent.
    """

    __slots__ = ("_pickle",)

    def __init__(self, obj: object) -> None:
        self._pickle = pickled(obj)

    def __repr__(self) -> str:
        return f"<PrePickled: {len(self._pickle)} bytes>"

    def __reduce__(self) -> tuple[Any, ...]:
        return unpickled, (self._pickle,)
