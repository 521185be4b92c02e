"""Packing what went wrong in a task."""

from __future__ import annotations

from engineroom.ids import EngineId, Instance
from engineroom.protocol.messages import METHODS, Call
from engineroom.protocol.streams import Packed
from engineroom.serialize.failures.packing import pack_failure

_LONGEST = 2000


class FailurePacker:
    """Packs exceptions in the name of one engine; `engine_id` is known once the controller has given it."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self.engine_id: EngineId = -1

    def __call__(self, problem: BaseException, call: Call) -> tuple[str, Packed]:
        """Return ("Name: text", packed failure), whatever the exception's own code does."""
        try:
            error, body = self._pack(problem, call)
        except BaseException as second:  # noqa: BLE001 (an exception's __str__ or __reduce__ is user code)
            name, other = type(problem).__name__, type(second).__name__
            error, body = self._pack(RuntimeError(f"{name} (its message could not be formatted: {other})"), call)
        return error[:_LONGEST].encode("utf-8", "backslashreplace").decode(), body

    def _pack(self, problem: BaseException, call: Call) -> tuple[str, Packed]:
        method = METHODS.get(call.kind, "")
        return pack_failure(problem, engine_id=self.engine_id, instance=self._instance, method=method)
