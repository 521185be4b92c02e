"""What has ended of a set while the rest goes on: jobs of their own, or tasks of an array."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engineroom.cluster.launchers.launcher import State
from engineroom.cluster.launchers.systems.system import JobState
from engineroom.cluster.launchers.systems.task_lists import tasks_in


def ended_jobs(states: Sequence[JobState], n: int) -> int:
    """Return how many of `n` engines have ended that are a job each; 0 if that can't be told."""
    return sum(state.state is State.ENDED for state in states) if len(states) == n else 0


def tasks_listed(states: Sequence[JobState]) -> int | None:
    """Return how many tasks a system tells of, those too that have ended; None if it does not say how many."""
    return sum(state.tasks for state in states) if all(state.tasks for state in states) else None


def ended_tasks(states: Sequence[JobState], n: int) -> int:
    """Return how many of the `n` tasks of an array have ended; 0 if that can't be told.

    Some systems list them, and others just leave them out.
    """
    alive = tasks_listed([state for state in states if state.state is not State.ENDED])
    return 0 if alive is None else max(0, n - alive)


def lost_tasks(regexp: str, output: str) -> tuple[int, str]:
    """Return how many tasks of a parallel job have failed, by what it printed, and how the first of them did."""
    found = re.findall(regexp, output, re.MULTILINE)
    return sum(tasks_in(tasks) for tasks, _ in found), found[0][1].strip() if found else ""


def worst_of(states: Sequence[JobState]) -> JobState | None:
    """Return the one of those that have ended whose words tell most, None if there are no words."""
    said = [state for state in states if state.state is State.ENDED and state.words]
    return next((state for state in said if state.words != "ended"), said[0] if said else None)
