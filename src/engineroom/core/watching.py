"""Telling clients that are attached to a call of another one what happens to its tasks, as it happens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engineroom.ids import task_id
from engineroom.protocol.messages import Display, Ended, Outcome, Output, Result, Status, TasksStarted
from engineroom.protocol.task_ranges import TaskRanges

if TYPE_CHECKING:  # the state holds sessions
    from engineroom.core.sessions import Session
    from engineroom.core.state import ControllerState
    from engineroom.core.tasks import Kept, Task


def watchers_of(session: Session, number: int) -> Iterator[Session]:
    """Yield the clients that are attached to the call of this task."""
    call = session.calls.get(number)
    if call is not None:
        yield from call.watchers


def tell_started(state: ControllerState, task: Task, message: TasksStarted) -> None:
    """Tell those who are attached that `task` runs."""
    for watcher in watchers_of(task.session, task.number):
        state.send(watcher.peer, message)


def tell_written(state: ControllerState, task: Task, piece: Output | Display, *, is_data: bool) -> None:
    """Tell those who are attached what `task` wrote; published values only if they read what they are sent."""
    for watcher in watchers_of(task.session, task.number):
        if not (is_data and watcher.behind):
            state.send(watcher.peer, piece)


def named(session: Session, number: int, kept: Kept) -> Result:
    """Return a kept result, which may be one for many tasks, as that of this task."""
    its = kept.result
    return its if its.task else replace(its, task=task_id(session.id, number))


def tell_end(state: ControllerState, session: Session, number: int, kept: Kept) -> None:
    """Tell those who are attached how a task ended."""
    written = session.outputs.get(number)
    for watcher in watchers_of(session, number):
        if written is not None and written.data is not None:
            state.send(watcher.peer, written.data)  # they may not have been sent it
        state.send(watcher.peer, named(session, number, kept), kept.body)


def abandoned(session: Session, first: int, last: int, words: str) -> Ended:
    """Return what tells a client that of these tasks nothing will come, or is here."""
    return Ended(TaskRanges(session.id, ((first, last),)), Outcome(Status.LOST, 0.0, 0.0, words))
