"""Waiting for tasks of which nobody may hold the AsyncResults."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engineroom.client.connection.vigil import Unfinished, Wish
from engineroom.client.waiting.waits import Deadline

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session
    from engineroom.client.state.tasks import Task


def wait_for_tasks(session: Session, tasks: Sequence[Task], deadline: Deadline, wish: Wish) -> bool:
    """Return whether all of `tasks` ended in time; `wish`: how the wait is shown."""
    unfinished = session.tasks
    waiting = sorted((task.number for task in tasks), reverse=True)

    def ended() -> bool:
        while waiting and waiting[-1] not in unfinished:
            waiting.pop()
        return not waiting

    if ended():
        return True
    subject = Unfinished(unfinished, tuple(waiting))
    looks = session.silence.looks(subject, None if wish.progress is None else wish)
    return session.wait_until(ended, deadline.left(), looks=looks)
