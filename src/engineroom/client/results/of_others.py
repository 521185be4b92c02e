"""Results of calls that other clients have made: of a kernel that was restarted, of a colleague."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from engineroom.client.kinds import T
from engineroom.client.results.async_result import AsyncResult
from engineroom.client.results.not_ours import NotOurs
from engineroom.errors import EngineroomError, NoSuchTask, PackError
from engineroom.ids import TaskId, msg_id, session_of
from engineroom.protocol.attaching import Attach
from engineroom.protocol.messages import METHODS

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session
    from engineroom.client.state.others import OthersCall
    from engineroom.client.state.tasks import Task


class AttachedResult(NotOurs, AsyncResult[T]):
    """An AsyncResult for a call of another client. Reading it takes nothing away from that client, or from others."""

    __slots__ = ()

    @property
    def owner(self) -> bool:
        """Whether this client submitted the tasks. Always False."""
        return False

    def _withdraw(self, *, force: bool) -> None:
        """Leave the tasks alone."""

    def _cancel_unstarted(self) -> None:
        """Leave the tasks alone."""

    def _child(self, task: Task) -> AsyncResult[Any]:
        child: AttachedResult[Any] = AttachedResult(self._session, self._name, label=self._label)
        child._tasks = [task]

        def look() -> None:
            if task.outcome is not None and not child.done():
                child._task_done(task)

        look()
        if not child.done():
            self._watch(look)
        return child

    def __reduce__(self) -> NoReturn:
        raise PackError("this AsyncResult is of a call of another client; pass its result instead: `ar.get()`")


def attached(session: Session, task: TaskId | None, *, alone: bool = False) -> AsyncResult[Any]:
    """Return the AsyncResult of a call of another client; `task`: one of its tasks, None for the last call.

    `alone`: of this task only. NoSuchTask: the controller has nothing of it, and says why.
    """
    number = 0

    def make(fresh: int) -> Attach:
        nonlocal number
        number = fresh
        return session.others.expect(Attach(fresh, task or b"", alone))

    try:
        session.request(make, "a request to attach to a task")
    except BaseException as error:
        with session.condition:
            call = session.others.take(number)
            if call is not None:
                session.others.leave(call)
        if isinstance(error, EngineroomError) and type(error) is EngineroomError:
            name = "" if task is None else f"cannot attach to task {msg_id(task)}: "
            raise NoSuchTask(f"{name}{error}") from None
        raise
    with session.condition:
        call = session.others.take(number)
        if call is None:
            raise NoSuchTask("the controller does not know how to attach to tasks: it is of an earlier version")
        if call.of_map is None or alone:
            return _result_of(session, call)
        session.others.leave(call)
    from engineroom.client.results.found_map import found_map  # few attach to maps

    return found_map(session, session_of(call.name), *call.of_map, label=call.label)


def _result_of(session: Session, call: OthersCall) -> AttachedResult[Any]:
    single = len(call.tasks) == 1
    name = METHODS.get(call.tasks[0].kind, "call")
    result: AttachedResult[Any] = AttachedResult(session, name, count=len(call.tasks), single=single, label=call.label)
    result._attach(list(call.tasks))
    for task in call.tasks:
        if task.outcome is not None:
            result._task_done(task)
        else:
            task.listener = result
            if task.started:
                result._task_started(task)
    return result
