"""Tasks that wait for tasks of their own: what their engine runs meanwhile."""

from __future__ import annotations

from engineroom.protocol.calls import Header
from engineroom.protocol.ranges import Ordinal, TaskId


class RunsWithin(Header, frozen=True, tag="within"):
    """An attempt that was sent before runs on behalf of `within`, which waits."""

    task: TaskId
    attempt: Ordinal
    within: TaskId


class Waits(Header, frozen=True, tag="waits"):
    """An attempt that runs waits for tasks that it has submitted itself (or, unless `waits`, goes on): meanwhile the
    engine runs what it has been sent on its behalf, and nothing else."""

    task: TaskId
    attempt: Ordinal
    waits: bool = True
