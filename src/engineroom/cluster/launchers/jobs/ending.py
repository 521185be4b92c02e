"""Cancelling jobs, and seeing that they are gone."""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import Sequence

from engineroom.cluster.launchers.jobs.board import JobBoard
from engineroom.cluster.launchers.jobs.commands import cancelling, run
from engineroom.cluster.launchers.launcher import State
from engineroom.cluster.launchers.systems.system import BatchSystem
from engineroom.errors import LaunchError
from engineroom.settings.launchers import BatchSystemLauncher

_LOOK_EVERY = 0.5
_AGAIN_EVERY = 10.0
"""Seconds between two looks at jobs that were cancelled, and until they are cancelled again."""


def cancel_command(options: BatchSystemLauncher, system: BatchSystem) -> list[str]:
    """Return the command that cancels jobs: the user's own, or else the system's."""
    return list(options.delete_command) or list(system.cancel)


async def end_jobs(
    system: BatchSystem, jobs: Sequence[str], *, cancel: Sequence[str], board: JobBoard, seconds: float
) -> None:
    """Cancel `jobs`; return once the system says that they have ended, LaunchError if it does not within `seconds`.

    `cancel`: the command to which their ids are appended.
    """
    if not jobs:
        return
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    board.leave(jobs)
    left, problem, again = list(jobs), "", float("-inf")
    while True:
        if loop.time() >= again:
            problems = [await _cancel(system, argv) for argv in cancelling(cancel, left)]
            problem = "; ".join(filter(None, problems))
            again = loop.time() + _AGAIN_EVERY
            board.ask_anew()
        if not system.status and not problem:
            return  # it can't be asked
        try:
            left = [job for job in left if not await _has_ended(board, job)]
        except LaunchError as error:
            problem = str(error)
        if not left:
            return
        if loop.time() >= deadline:
            commands = "; ".join(map(shlex.join, cancelling(cancel, left)))
            raise LaunchError(
                f"{system.name} has not ended job {', '.join(left)} within {seconds:g} s"
                f"{f': {problem}' if problem else ''}. Look at it, and cancel it by `{commands}`"
            )
        await asyncio.sleep(_LOOK_EVERY)


async def _has_ended(board: JobBoard, job: str) -> bool:
    return all(state.state is State.ENDED for state in await board.states([job]))


async def _cancel(system: BatchSystem, argv: Sequence[str]) -> str:
    """Run a cancel command; return what is wrong, "" if nothing is or the jobs are gone already."""
    try:
        said = await run(argv)
    except LaunchError as error:
        return str(error)
    known = not (system.not_known and re.search(system.not_known, said.errors + said.output))
    return said.words if said.code and known else ""
