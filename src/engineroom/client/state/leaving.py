"""What a client has had shut down: as long as it is there, it is to be gone."""

from __future__ import annotations

from collections.abc import Sequence

from engineroom.client.state.engine_table import EngineTable
from engineroom.ids import Instance
from engineroom.protocol.messages import Shutdown
from engineroom.protocol.task_ranges import listed

_REASON = "shut down by a client"


class Leaving:
    """Engines, by the processes that they were; and perhaps the controller."""

    def __init__(self, engines: EngineTable) -> None:
        self._engines = engines
        self._ids: dict[Instance, int] = {}
        self._controller = False

    def shut_down(self, ids: Sequence[int], *, controller: bool) -> list[Shutdown]:
        """Return what has these engines end; with `controller`, all of them and the controller."""
        if controller:
            self._controller = True
            return [_all()]
        known = {its: id_ for id_ in ids if (its := self._engines.instance(id_)) is not None}
        self._ids = self._still_there() | known
        return _engines(ids)

    def again(self, *, same: bool) -> list[Shutdown]:
        """Return what is to be said to a controller to which this client has connected anew; `same`: it is the one that
        it spoke to before. Another one is not ended: nobody has meant that."""
        if self._controller and same:
            return [_all()]
        return _engines(list(self._still_there().values()))

    def _still_there(self) -> dict[Instance, int]:
        table = self._engines
        return {its: id_ for its, id_ in self._ids.items() if table.get(id_) and table.instance(id_) == its}


def _all() -> Shutdown:
    return Shutdown(None, controller=True, reason=_REASON)


def _engines(ids: Sequence[int]) -> list[Shutdown]:
    return [Shutdown(piece, reason=_REASON) for piece in listed(ids)]
