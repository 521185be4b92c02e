"""Which tasks have ended."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from engineroom.controller.recording.ranges import by_session
from engineroom.errors import EngineroomError
from engineroom.ids import number_of, session_of
from engineroom.protocol.history import StatusOf
from engineroom.protocol.task_ranges import TaskRanges

if TYPE_CHECKING:
    from engineroom.controller.recording.recorder import Recorder

MOST_TASKS = 100_000
"""So many tasks may be asked for at once."""


async def status_of(recorder: Recorder, tasks: Iterable[TaskRanges]) -> StatusOf:
    """Return which of `tasks` have not ended, which have, and which nobody knows."""
    if sum(map(len, tasks)) > MOST_TASKS:
        raise EngineroomError(f"the status of at most {MOST_TASKS:,} tasks can be asked for at once")
    named = [task for ranges in tasks for task in ranges.tasks()]
    pending, completed, sought = [], [], []
    for task in named:
        session, number = recorder.state.sessions.get(session_of(task)), number_of(task)
        if session is not None and (number in session.tasks or number in session.unsent):
            pending.append(task)
        elif session is not None and 0 < number <= session.known_up_to:
            completed.append(task)
        else:
            sought.append(task)
    if sought and recorder.keeper is not None:
        entries = await recorder.keeper.look_up(lambda store: list(store.entries(sought)))
        pending += [entry.task for entry in entries if entry.result is None]
        completed += [entry.task for entry in entries if entry.result is not None]
    known = {*pending, *completed}
    unknown = [task for task in named if task not in known]
    return StatusOf(*(tuple(by_session(which)) for which in (pending, completed, unknown)))
