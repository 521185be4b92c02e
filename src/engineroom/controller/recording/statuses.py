"""Which tasks have ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.errors import EngineroomError
from engineroom.ids import number_of, session_of
from engineroom.protocol.history import StatusOf
from engineroom.protocol.ranges import Spans
from engineroom.protocol.spans import count_in, spans_of, tasks_in

if TYPE_CHECKING:
    from engineroom.controller.recording.recorder import Recorder

MOST_TASKS = 4096
"""So many tasks may be asked for at once: the answer fits a message, however they are spread."""


async def status_of(recorder: Recorder, tasks: Spans) -> StatusOf:
    """Return which of `tasks` have not ended, which have, and which nobody knows."""
    if count_in(tasks) > MOST_TASKS:
        raise EngineroomError(f"the status of at most {MOST_TASKS:,} tasks can be asked for at once")
    named = tasks_in(tasks)
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
    return StatusOf(*map(spans_of, (pending, completed, unknown)))
