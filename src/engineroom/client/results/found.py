"""Finding AsyncResults, and the status of tasks, by task id."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeAlias

from engineroom.client.results.async_result import AsyncResult
from engineroom.client.state.tasks import Task
from engineroom.errors import NotBuiltYet
from engineroom.ids import msg_id, number_of, parse_msg_id, session_of, task_id
from engineroom.protocol.messages import METHODS

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session

Jobs: TypeAlias = int | str | Future[Any] | Iterable[int | str | Future[Any]]
"""What names tasks: an AsyncResult, a msg_id, an index into the history (-1: the last), or several of them."""


def ids_of(session: Session, jobs: Jobs) -> list[str]:
    """Return the ids of the tasks that `jobs` name. TypeError: it is none of these; IndexError: no such task."""
    if isinstance(jobs, AsyncResult):
        return jobs.msg_ids
    if isinstance(jobs, str):
        parse_msg_id(jobs)
        return [jobs]
    if isinstance(jobs, int):
        number = jobs + session.last_number + 1 if jobs < 0 else jobs + 1
        if not 0 < number <= session.last_number:
            raise IndexError(f"there is no task {jobs}: this client has submitted {session.last_number}")
        return [msg_id(task_id(session.id, number))]
    if isinstance(jobs, Iterable):
        return [found for job in jobs for found in ids_of(session, job)]
    raise TypeError(f"expected an AsyncResult or a message id, got {jobs!r}")


def tasks_of(session: Session, jobs: Any) -> list[Task]:
    """Return the unfinished tasks that `jobs` mean, None: all; TypeError: it is none of `Jobs`."""
    if jobs is None:
        return list(session.tasks.values())
    if isinstance(jobs, AsyncResult):
        return jobs._unfinished()
    if isinstance(jobs, Task):
        return [jobs]
    if isinstance(jobs, int):
        return [task for name in ids_of(session, jobs) for task in tasks_of(session, name)]
    if isinstance(jobs, str):
        job = parse_msg_id(jobs)
        task = session.tasks.get(number_of(job)) if session_of(job) == session.id else None
        return [task] if task is not None else []
    if isinstance(jobs, Iterable):
        tasks: list[Task] = []
        for job in jobs:
            tasks += job._unfinished() if isinstance(job, AsyncResult) else tasks_of(session, job)
        return tasks
    raise TypeError(f"expected an AsyncResult or a message id, got {jobs!r}")


def find_result(session: Session, jobs: Jobs) -> AsyncResult:
    """Return the AsyncResult of these tasks. NotBuiltYet: they ended long ago, or belong to another client."""
    if isinstance(jobs, AsyncResult):
        return jobs
    if not isinstance(jobs, str | int) and isinstance(jobs, Iterable):
        found = [find_result(session, job) for job in jobs]
        return found[0] if len(found) == 1 else AsyncResult.join(*found)
    [name] = ids_of(session, jobs)
    with session.condition:
        task = session.tasks.get(number_of(parse_msg_id(name))) if _is_of(session, name) else None
        listener = None if task is None else task.listener
        if task is not None and isinstance(listener, AsyncResult):
            return listener._result_of(task)
        ended = session.recent.get(number_of(parse_msg_id(name))) if _is_of(session, name) else None
        if ended is not None:
            return _result_of_ended(session, ended)
    raise NotBuiltYet(
        f"get_result() for {name}, which ended long ago or belongs to another client,",
        "keep the AsyncResult that the call returned",
    )


def _result_of_ended(session: Session, task: Task) -> AsyncResult:
    result: AsyncResult = AsyncResult(session, METHODS.get(task.kind, ""))
    result._attach([task])
    result._task_done(task)
    return result


def futures_apart(jobs: Any) -> tuple[list[Future[Any]], Any]:
    """Return the futures among `jobs` that no client made, and the rest of `jobs`; None stays None."""
    if isinstance(jobs, Future):
        return ([], jobs) if isinstance(jobs, AsyncResult) else ([jobs], [])
    if jobs is None or isinstance(jobs, str | int) or not isinstance(jobs, Iterable):
        return [], jobs
    ours: list[Any] = []
    others: list[Future[Any]] = []
    for job in jobs:
        if isinstance(job, AsyncResult):  # as nearly all are, and there may be a million
            ours.append(job)
        else:
            futures, rest = futures_apart(job)
            others += futures
            ours.append(rest)
    return others, ours


def status_of(session: Session, jobs: Jobs) -> dict[str, list[str]]:
    """Return which of these tasks of this client are "pending", and which "completed"; KeyError: not its own."""
    names = ids_of(session, jobs)
    for name in names:
        if not _is_of(session, name):
            raise KeyError(f"this client has submitted no task {name}")
    pending = [name for name in names if number_of(parse_msg_id(name)) in session.tasks]
    return {"pending": pending, "completed": [name for name in names if name not in pending]}


def _is_of(session: Session, name: str) -> bool:
    task = parse_msg_id(name)
    return session_of(task) == session.id and number_of(task) <= session.last_number
