"""`rc.attach` and `rc.sessions`: going on with what another client has begun."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engineroom.client.results.async_result import AsyncResult
from engineroom.client.results.found import find_result
from engineroom.errors import NoSuchTask
from engineroom.errors.local import called_by_users
from engineroom.ids import msg_id, number_of, parse_msg_id, session_of, task_id

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session
    from engineroom.client.results.gone_sessions import GoneSessions

LAST = "last"
"""Stands for the last call of another client."""


@called_by_users("attach")
class Attaching:
    """The part of a Client that is about calls of others."""

    _session: Session

    def attach(self, task: str | AsyncResult[Any] = LAST) -> AsyncResult[Any]:
        """Return the AsyncResult of a whole call, whichever client made it; what its tasks have written is there, too.

        Of a map, `get()` returns the results of all items, in their order.

        `task`: the message id of any of its tasks; "last": the last call of a client that is gone, or else of another
        one that is connected. `with ar.stream_output(): ar.wait()` shows the output from its beginning, and goes on
        live. Attaching takes nothing away: others can attach to the same call, and get the same.

        NoSuchTask: the controller has nothing of that call, and says why. ValueError: `task` is no message id.
        """
        return attach_to(self._session, task)

    def sessions(self) -> GoneSessions:
        """Return the clients that have ended or lost their connection, and whose results are kept here.

        Each has `user`, `host`, `pid`, `program`, `since`, `until`, `results`, `running`, `last` and `msg_ids`. Results
        are kept for `IPController.linger` seconds (900). Read them with `rc.attach(msg_id)` or `rc.get_result`.
        """
        from engineroom.client.results.gone_sessions import gone_sessions  # as above

        return gone_sessions(self._session)


def attach_to(session: Session, task: str | AsyncResult[Any]) -> AsyncResult[Any]:
    """Return what `Client.attach` returns."""
    if isinstance(task, AsyncResult):
        return task
    if not isinstance(task, str):
        raise TypeError(f"expected a message id, 'last' or an AsyncResult, got {task!r}")
    from engineroom.client.results.of_others import attached  # few attach to anything

    if task == LAST:
        return attached(session, None)
    id_ = parse_msg_id(task)
    if session_of(id_) == session.id:
        return _own(session, task)
    try:
        return attached(session, id_)
    except NoSuchTask:
        try:
            return _recorded(session, task)
        except KeyError:
            pass  # the controller's reason says more
        raise


def _recorded(session: Session, name: str) -> AsyncResult[Any]:
    """Return the result of a whole call from the records of its tasks. KeyError: there is none of this task."""
    from engineroom.client.results.history import statuses  # as above
    from engineroom.client.results.of_others import attached
    from engineroom.client.state.foreign_ends import FoundTask

    if statuses(session, [name])[name] == "pending":  # it has come since the controller was asked
        return attached(session, parse_msg_id(name))
    found = find_result(session, name, owner=False)
    found.wait()
    [task] = found._tasks
    if not isinstance(task, FoundTask) or task.first == task.last:
        return found
    owner = session_of(task.whole_id)
    if task.of_map:
        from engineroom.client.results.found_map import found_map  # as above

        return found_map(session, owner, task.first, task.last, label=task.label)
    names = [msg_id(task_id(owner, number)) for number in range(task.first, task.last + 1)]
    try:
        return find_result(session, names, owner=False)
    except KeyError:
        return found  # the records of the others have been purged


def _own(session: Session, name: str) -> AsyncResult[Any]:
    """Return the result of a whole call of this client."""
    with session.condition:
        task = session.tasks.get(number_of(parse_msg_id(name)))
        listener = None if task is None else task.listener
        if isinstance(listener, AsyncResult):
            return listener
    return find_result(session, name)
