"""How long what a launcher has started may take to end: jobs are cancelled, and seen to be gone."""

from __future__ import annotations

from engineroom.cluster.plan.host_plan import STOP_TIMEOUT, STOP_TIMEOUT_BY_SSH, TO_KILL
from engineroom.settings.launchers import BaseLauncher, LocalProcessLauncher, SSHLauncher

_SLACK = 10.0
"""Seconds more than its launchers that a host gives all that it has started."""


def as_launcher_says(options: BaseLauncher) -> float:
    """Return the seconds of jobs, and of launchers that stop things themselves."""
    return float(options.stop_timeout) + _SLACK


def by_ssh(options: SSHLauncher) -> float:
    """Return the seconds of what hosts on other machines end."""
    return max(STOP_TIMEOUT_BY_SSH, (options.stop_seconds_until_kill or 0) + _SLACK)


def of_processes(options: LocalProcessLauncher) -> float:
    """Return the seconds of processes of this machine: they are asked to end, and then killed."""
    from engineroom.cluster.launchers.guarded import grace_of  # to plan jobs one does without

    return max(STOP_TIMEOUT, grace_of(options) + TO_KILL)
