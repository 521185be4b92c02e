"""The timeline of a client: of several results, or of what it remembers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from engineroom.client.results.async_result import AsyncResult
from engineroom.client.results.pictured import timeline_of
from engineroom.protocol.messages import METHODS

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session
    from engineroom.client.pictures.timeline import Timeline
    from engineroom.client.state.tasks import Task


def timeline_of_client(session: Session, jobs: Any) -> Timeline:
    """Return the timeline of `jobs`, AsyncResults; None: of the tasks that the client still knows."""
    if jobs is None:
        with session.condition:
            tasks = [*session.recent.tasks(), *session.tasks.values()]
        return timeline_of(tasks, session.id, "the last tasks", [_name_of(task) for task in tasks])
    results = [jobs] if isinstance(jobs, AsyncResult) else list(jobs) if isinstance(jobs, Iterable) else None
    if results is None or not all(isinstance(each, AsyncResult) for each in results):
        raise TypeError(f"expected an AsyncResult or several, got {jobs!r}")
    pairs = [(task, each._name) for each in results for task in each._tasks]
    names = list(dict.fromkeys(name for _, name in pairs))
    title = ", ".join(names[:3]) + (" and others" if len(names) > 3 else "")
    return timeline_of([task for task, _ in pairs], session.id, title or "nothing", [name for _, name in pairs])


def _name_of(task: Task) -> str:
    """Return what is known of a task that may have ended: its function's name only while it is unfinished."""
    if isinstance(task.listener, AsyncResult):
        return task.listener._name
    return METHODS.get(task.kind, "task")
