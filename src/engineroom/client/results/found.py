"""Finding AsyncResults, and the status of tasks, by task id."""

from __future__ import annotations

from collections.abc import Container, Iterable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeAlias

from engineroom.client.results.async_result import AsyncResult
from engineroom.client.state.tasks import Task
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


def find_result(session: Session, jobs: Jobs, *, owner: bool = True) -> AsyncResult:
    """Return the AsyncResult of these tasks: an AsyncHubResult if this client does not know all of them.

    KeyError: nobody knows one of them.
    """
    if isinstance(jobs, AsyncResult):
        return jobs
    if isinstance(jobs, str | int):
        [name] = ids_of(session, jobs)
        return _known_here(session, name) or _of_others(session, [name], single=True, owner=owner)
    parts = [job if isinstance(job, AsyncResult) else ids_of(session, job) for job in _each(jobs)]
    found = [part if isinstance(part, AsyncResult) else [_known_here(session, name) for name in part] for part in parts]
    if all(isinstance(part, list) and None in part for part in found):
        names = [name for part in parts if isinstance(part, list) for name in part]
        return _of_others(session, names, single=len(names) == 1, owner=owner)
    results: list[AsyncResult] = []
    for part, known in zip(parts, found, strict=True):
        if isinstance(part, AsyncResult):
            results.append(part)
        else:
            assert isinstance(known, list)
            results += [
                each or _of_others(session, [name], single=True, owner=owner)
                for name, each in zip(part, known, strict=True)
            ]
    return results[0] if len(results) == 1 else AsyncResult.join(*results)


def _each(jobs: Jobs) -> Iterable[Any]:
    if not isinstance(jobs, Iterable):
        raise TypeError(f"expected an AsyncResult or a message id, got {jobs!r}")
    return jobs


def _of_others(session: Session, names: list[str], *, single: bool, owner: bool) -> AsyncResult:
    from engineroom.client.results.history import statuses  # few ask for tasks of others
    from engineroom.client.results.hub_result import AsyncHubResult

    statuses(session, names)
    return AsyncHubResult(session, [parse_msg_id(name) for name in names], single=single, owner=owner)


def _known_here(session: Session, name: str) -> AsyncResult | None:
    """Return the AsyncResult of a task that this client knows of."""
    with session.condition:
        task = session.tasks.get(number_of(parse_msg_id(name))) if _is_of(session, name) else None
        listener = None if task is None else task.listener
        if task is not None and isinstance(listener, AsyncResult):
            return listener._result_of(task)
        ended = session.recent.get(number_of(parse_msg_id(name))) if _is_of(session, name) else None
        if ended is not None:
            return _result_of_ended(session, ended)
    return None


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
    """Return which of these tasks are "pending", and which "completed"; KeyError: nobody knows one of them."""
    names = ids_of(session, jobs)
    others = [name for name in names if not _is_of(session, name)]
    known: dict[str, str] = {}
    if others:
        from engineroom.client.results.history import statuses  # few ask for tasks of others

        known = statuses(session, others)
    pending = {
        name for name in names if known.get(name) == "pending" or number_of(parse_msg_id(name)) in _open(session, name)
    }
    return {
        "pending": [name for name in names if name in pending],
        "completed": [name for name in names if name not in pending],
    }


def _open(session: Session, name: str) -> Container[int]:
    return session.tasks if _is_of(session, name) else ()


def _is_of(session: Session, name: str) -> bool:
    task = parse_msg_id(name)
    return session_of(task) == session.id and number_of(task) <= session.last_number
