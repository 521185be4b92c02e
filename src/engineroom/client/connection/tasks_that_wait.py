"""What a task is told whose own calls don't start: all engines are busy, maybe with tasks that wait as it does."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from engineroom.machine.left_behind import MARK

if TYPE_CHECKING:
    from engineroom.client.state.tasks import Task

_ADVICE = (
    "Start more engines with `ipcluster engines -n 4`, or make these calls through `engineroom.get_client()`, and wait "
    "for them in the main thread of the task"
)


def inside_an_engine() -> bool:
    """Whether this process is an engine, or was started by a task of one."""
    return MARK in os.environ


def words_for_a_task(tasks: Iterable[Task], engines: Collection[int], patience: float) -> str:
    """Return why `tasks`, the calls that a task of an engine waits for, don't start; "" if one of them may run.

    Only balanced calls that any engine may run count. `patience`: seconds since the first of them was submitted, at
    least; engines say within 2 s that a task runs.
    """
    if not inside_an_engine() or not engines:
        return ""
    latest, waits = time.time() - patience, False
    for task in tasks:
        request = task.request
        if task.started or task.target >= 0 or request is None or request.options.engines is not None:
            return ""
        waits = waits or task.submitted <= latest
    if not waits:
        return ""
    start = "the calls that this task waits for have not started:"
    if len(engines) == 1:
        return f"{start} the only engine is busy, probably with this task. {_ADVICE}"
    return f"{start} all {len(engines)} engines are busy, perhaps with tasks that wait as this one does. {_ADVICE}"
