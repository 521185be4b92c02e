"""AsyncHubResult: results of tasks that another client submitted, or this one long ago."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from engineroom.client.results.async_result import AsyncResult
from engineroom.client.results.metadata import Metadata, metadata_of
from engineroom.client.state.foreign_ends import FoundTask
from engineroom.errors import EngineroomError
from engineroom.protocol.messages import METHODS

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session
    from engineroom.ids import TaskId


class AsyncHubResult(AsyncResult[Any]):
    """The results of tasks that the controller knows by their ids.

    The controller sends each result when its task ends, or at once if it has ended. Such a result is used like an
    AsyncResult, but its tasks can be cancelled only by the client that submitted them.
    """

    __slots__ = ("_owner",)

    def __init__(self, session: Session, tasks: Sequence[TaskId], *, single: bool, owner: bool = True) -> None:
        """`tasks`: their ids; `single`: the result is that of the only task, not a list."""
        super().__init__(session, "get_result", count=len(tasks), single=single)
        self._owner = owner
        found = [FoundTask(0, None, self, 0.0, -1, -1, whole_id=task) for task in tasks]
        self._attach(list(found))
        with session.condition:
            questions = [session.foreign.add(session.questions.number(), task) for task in found]
        session.send(*questions)

    @property
    def owner(self) -> bool:
        """What `get_result` was given as `owner`. It has no effect."""
        return self._owner

    def abort(self, *, force: bool = False) -> NoReturn:
        """Raise EngineroomError, whether or not by `force`: only the client that submitted a task can cancel it."""
        del force
        raise EngineroomError(
            "these tasks were not submitted by this client, so it cannot cancel them. Cancel them in the client that "
            "submitted them, or interrupt their engines with `rc.send_signal('SIGINT', targets)`"
        )

    def _withdraw(self, *, force: bool) -> None:
        """Forget about the tasks, which go on. The session's condition is held."""
        del force
        for task in self._tasks:
            if isinstance(task, FoundTask):
                self._session.foreign.drop(task)

    def _cancel_unstarted(self) -> None:
        self.cancel()

    def _metadata(self) -> list[Metadata]:
        found = []
        for task in self._tasks:
            label = task.label if isinstance(task, FoundTask) else ""
            found.append(metadata_of(task, self._session.id, label, None))
        return found

    def _result_of(self, task: Any) -> AsyncResult[Any]:
        if self._single:
            return self
        return AsyncHubResult(self._session, [task.whole_id], single=True, owner=self._owner)

    def _task_done(self, task: Any) -> None:
        if len(self._tasks) == 1:
            self._name = METHODS.get(task.kind, self._name)
        super()._task_done(task)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "the result of a task that this client did not submit cannot be an argument of a call: pass its value, "
            "`ar.get()`"
        )
