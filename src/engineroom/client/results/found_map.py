"""The result of a map that another client has made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from engineroom.client.results.async_iteration import Step
from engineroom.client.results.async_result import UNKNOWN, AsyncResult
from engineroom.client.results.history import statuses
from engineroom.client.results.hub_result import AsyncHubResult
from engineroom.client.results.not_ours import NotOurs
from engineroom.client.state.foreign_ends import FoundTask
from engineroom.errors import NoSuchTask
from engineroom.ids import SessionId, TaskId, msg_id, task_id

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session


class FoundMapResult(NotOurs, AsyncHubResult):
    """The results of the items of a map of another client, in their order.

    Its length and progress count the tasks that the map was cut into; `get()`, iterating and indexing give the items.
    """

    __slots__ = ()

    def __init__(self, session: Session, tasks: Sequence[TaskId], label: str) -> None:
        super().__init__(session, tasks, single=False, owner=False)
        self._name, self._label = "map", label

    def _iterate(self, timeout: float | None = None) -> Iterator[Any]:
        return iter(self.get(timeout))

    def _steps(self) -> Iterator[Step]:
        yield Step(self, self.done, lambda: self.get(0))

    def __getitem__(self, key: Any) -> Any:
        """Return the result of an item, or of several (slice), waiting for all; or the metadata of a name (str)."""
        return AsyncResult.__getitem__(self, key) if isinstance(key, str) else self.get()[key]

    def _value(self) -> Any:
        if self._failures:
            raise self._composite()
        if self._known is UNKNOWN:
            self._known = list(chain.from_iterable([task.value() for task in self._parts()]))
        return self._known

    def _parts(self) -> list[FoundTask]:
        parts = [task for task in self._tasks if isinstance(task, FoundTask)]
        if len({(task.first, task.of_map) for task in parts}) > 1:
            raise NoSuchTask(
                "other calls were submitted while this map was, so its tasks cannot be told from theirs. Read them one "
                "by one: rc.get_result(msg_id)"
            )
        return parts


def found_map(session: Session, owner: SessionId, first: int, last: int, *, label: str) -> FoundMapResult:
    """Return the result of the map whose tasks are these of `owner`. KeyError: of one of them, nothing is known."""
    tasks = [TaskId(task_id(owner, number)) for number in range(first, last + 1)]
    statuses(session, map(msg_id, tasks))
    return FoundMapResult(session, tasks, label)
