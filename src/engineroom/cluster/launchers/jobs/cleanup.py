"""Jobs of a host that is gone: found by what it wrote down, and cancelled."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import replace

from engineroom.cluster.launchers.jobs.board import JobBoard
from engineroom.cluster.launchers.jobs.commands import run
from engineroom.cluster.launchers.jobs.ending import end_jobs
from engineroom.cluster.launchers.launcher import CONTROLLER
from engineroom.cluster.launchers.systems.registry import system_called
from engineroom.cluster.launchers.systems.system import BatchSystem
from engineroom.cluster.records.job_records import JobRecord, JobRecords, all_records
from engineroom.errors import LaunchError
from engineroom.settings.profiles import Profile

log = logging.getLogger(__name__)

_SECONDS = 60.0

_UNDER_WAY, _LOOK_EVERY = 10.0, 0.5
"""Seconds after its beginning in which a submission may lead to a job, though who began it is gone; and between two
looks for that."""


def cancel_jobs_of(left: JobRecords, *, seconds: float = _SECONDS) -> list[str]:
    """Cancel all jobs of a host that is gone; return, in words, what was cancelled.

    LaunchError: it can't be seen that they have ended.
    """
    return asyncio.run(_cancel(left, left.read(), seconds))


def cancel_other_jobs(profile: Profile, host: str, *, seconds: float = _SECONDS) -> list[str]:
    """Cancel the jobs of a host that is gone, but not the one of its controller, which is who asks for it."""
    words = []
    for records in all_records(profile):
        if records.host == host:
            found = records.read()
            others = [record for record in found if record.role != CONTROLLER]
            words += asyncio.run(_cancel(records, others, seconds))
            records.drop(jobs=[record.job for record in found if record.role == CONTROLLER])
    return words


async def cancel_leftovers(profile: Profile, cluster_id: str) -> None:
    """Have the jobs of earlier hosts of this cluster cancelled, so that they do not come to ours."""
    for records in all_records(profile):
        if records.cluster_id == cluster_id and records.left:
            try:
                for words in await _cancel(records, records.read(), _SECONDS):
                    log.warning("an earlier start left something: %s", words)
            except LaunchError as error:
                log.warning("an earlier start left jobs: %s", error)


async def _cancel(records: JobRecords, found: Sequence[JobRecord], seconds: float) -> list[str]:
    words = []
    for name, cancel, status in dict.fromkeys(map(_commands, found)):
        system = _system(name)
        system = replace(system, status=status or system.status)
        ours = [record for record in found if _commands(record) == (name, cancel, status)]
        interrupted = [record.tag for record in ours if not record.job]
        began = max((record.submitted for record in ours if not record.job), default=0.0)
        jobs = [record.job for record in ours if record.job] + await _submitted(system, interrupted, began)
        await end_jobs(system, jobs, cancel=cancel, board=JobBoard(system), seconds=seconds)
        if jobs:
            words.append(f"cancelled {system.name} job {', '.join(jobs)}")
        if interrupted and not system.find:
            words.append(f"a submission to {system.name} was interrupted: look whether it has a job of yours")
        records.drop(jobs=jobs, tags=interrupted)
    return words


def _commands(record: JobRecord) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    return record.system, tuple(record.cancel), tuple(record.status)


def _system(name: str) -> BatchSystem:
    """Return the system called `name`; of one that is the user's own, nothing is known but how jobs are cancelled."""
    try:
        return system_called(name)
    except LaunchError:
        return replace(system_called("Batch"), name=name)


async def _submitted(system: BatchSystem, tags: Sequence[str], began: float) -> list[str]:
    """Return the ids of jobs whose submissions, which `began` then, were interrupted: the commands may live on."""
    while True:
        jobs = await _tagged(system, tags)
        if len(jobs) >= len(tags) or not system.find or time.time() - began >= _UNDER_WAY:
            return jobs
        await asyncio.sleep(_LOOK_EVERY)


async def _tagged(system: BatchSystem, tags: Sequence[str]) -> list[str]:
    """Return the ids of jobs that were submitted under `tags` by somebody who had no time to note their ids."""
    if not tags or not system.find:
        return []
    said = await run(system.find)
    if said.code:
        raise LaunchError(f"{system.name} can't be asked about jobs: {said.words}")
    lines = [line.split(maxsplit=1) for line in said.output.splitlines() if line.strip()]
    # A site's own plugins may add to the mark.
    return [job for job, *marks in lines if any(tag in mark for tag in tags for mark in marks)]
