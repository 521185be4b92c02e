"""What a wait is for, in one line: how many tasks run and where, and why the others do not."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engineroom.client.state.tasks import Task

_MOST_NAMED = 4
_LOOKED_AT = 1000
"""So many tasks are looked at for one that has not started."""


def overview(tasks: Sequence[Task], why: str) -> str:
    """Return "waiting for 3 of 10 tasks: 2 run on engines 0, 1 (12 s), 1 waits: all engines are busy".

    `tasks`: all that the wait is for, ended or not. `why`: why one of them does not go on, "" if that is not known.
    Returns "" if all have ended.
    """
    left = [task for task in tasks if task.outcome is None]
    return f"waiting for {_count(len(left), len(tasks))}: {activity(left, why, len(tasks))}" if left else ""


def activity(left: Sequence[Task], why: str, of: int) -> str:
    """Return what the tasks in `left` do, the unfinished ones of `of` tasks; "" if there are none. See `overview`."""
    running = [task for task in left if task.started]
    waiting = len(left) - len(running)
    one = of == 1
    parts = [f"{'it' if one else len(running)} {_running(running)}"] if running and not (why and not waiting) else []
    if waiting:
        reason = f": {why}" if why else ""
        parts.append(f"{'it' if one else waiting} {'waits' if waiting == 1 else 'wait'}{reason}")
    elif why:
        parts.append(why)
    return ", ".join(parts)


def first_that_waits(tasks: Iterable[Task]) -> Task | None:
    """Return the task to ask about: one that has not started or, if none is found, one that runs."""
    first = None
    for task in islice((task for task in tasks if task.outcome is None), _LOOKED_AT):
        if not task.started:
            return task
        first = first or task
    return first


def _count(left: int, of: int) -> str:
    if of == 1:
        return "a task"
    return f"{left} of {of} tasks" if left < of else f"{of} tasks"


def _running(tasks: list[Task]) -> str:
    engines = Counter(task.engine for task in tasks)
    named = ", ".join(map(str, sorted(engines)[:_MOST_NAMED]))
    more = len(engines) - _MOST_NAMED
    where = f"engine{'s' * (len(engines) > 1)} {named}{f' and {more} more' if more > 0 else ''}"
    longest = max(0.0, time.time() - min(task.started for task in tasks))
    return f"{'runs' if len(tasks) == 1 else 'run'} on {where} ({longest:.0f} s)"
