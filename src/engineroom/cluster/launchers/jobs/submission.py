"""Handing a script to a batch system, as often as needed; whatever happens, no job is left that nobody knows of."""

from __future__ import annotations

import asyncio
import logging
import re
import shlex
from pathlib import Path
from uuid import uuid4

import msgspec

from engineroom.cluster.launchers.jobs.board import JobBoard
from engineroom.cluster.launchers.jobs.commands import CommandTookTooLong, Said, run
from engineroom.cluster.launchers.jobs.ending import cancel_command, end_jobs
from engineroom.cluster.launchers.launcher import Command
from engineroom.cluster.launchers.systems.system import BatchSystem
from engineroom.cluster.records.job_records import JobRecord, JobRecords
from engineroom.errors import LaunchError
from engineroom.settings.launchers import BatchSystemLauncher

_LIKE_AN_ID = re.compile(r"(?<![\w.])\d+(?:\[\d*\])?(?:\.[\w.-]*\w)?")

log = logging.getLogger(__name__)

_AT_ONCE = 8
"""How many submit commands run at the same time, for engines that are jobs of their own."""


class JobRefused(LaunchError):
    """The batch system did not take the script."""

    def __init__(self, *, system: BatchSystem, script: Path, words: str) -> None:
        self.fix = next((fix for regexp, fix in system.refusals if re.search(regexp, words)), "")
        super().__init__(
            f"{system.name} refused the job: {words.rstrip('.')}{f'. Fix: {self.fix}' if self.fix else ''} "
            f"(the script is {script})"
        )


class JobIdNotFound(LaunchError):
    """The batch system accepted the script, but printed no id that we know."""

    def __init__(self, *, system: BatchSystem, command: str, output: str) -> None:
        super().__init__(
            f"{system.name}: `{command}` printed no job id; it printed {output!r}. If this site wraps that command, "
            "set `job_id_regexp` of the launcher in ipcluster_config.py; and cancel that job by hand"
        )


class SubmissionUnclear(LaunchError):
    """The submit command did not end in time, and nobody knows whether there is a job."""

    def __init__(self, *, system: BatchSystem, words: str) -> None:
        super().__init__(
            f"{system.name}: {words}. If there is a job all the same, `ipcluster clean` finds it by its mark, and "
            "cancels it"
        )


class Submission:
    """The jobs of one start."""

    def __init__(
        self,
        options: BatchSystemLauncher,
        system: BatchSystem,
        command: Command,
        submit: list[str],
        script: Path,
        text: str,
        records: JobRecords,
        board: JobBoard,
    ) -> None:
        """`submit`: the command that takes `script`, whose content is `text`."""
        self._options, self._system, self._command = options, system, command
        self._submit, self._script, self._text = submit, script, text
        self._records, self._board = records, board
        self._jobs: list[str] = []
        self._in_vain = False

    async def submit(self, times: int) -> list[str]:
        """Submit the script so many times; return the ids. If one is refused, or we are told to stop, none is left.

        LaunchError: what is wrong, also with the jobs that had been taken before; they are on disk, or gone.
        """
        limit = asyncio.Semaphore(_AT_ONCE)

        async def once() -> None:
            async with limit:
                if not self._in_vain:
                    await self._once()

        work = asyncio.gather(*(once() for _ in range(times)), return_exceptions=True)
        try:
            results = await asyncio.shield(work)
            problem = next((result for result in results if isinstance(result, BaseException)), None)
            if problem is None:
                return self._jobs
            raise problem
        except LaunchError as error:
            if self._jobs:
                error.args = (f"{error}. {await self._take_back()}",)
            raise
        except BaseException:
            self._in_vain = True
            await work  # what is being submitted has an id soon
            await self._take_back()
            raise

    async def _once(self) -> None:
        tag = f"engineroom-{uuid4().hex[:12]}"
        marks = [] if self._options.submit_command else [word.format(tag=tag) for word in self._system.tag]
        record = JobRecord(
            system=self._system.name,
            role=self._command.role,
            tag=tag,
            cancel=cancel_command(self._options, self._system),
        )
        self._records.add(record)
        by_stdin = self._system.submit_by_stdin
        argv = [*self._submit, *marks, *([] if by_stdin else [str(self._script)])]
        try:
            said = await run(argv, stdin=self._text if by_stdin else "", as_user=True)
            job = self._id_in(said)
            if job is None and said.code:
                raise JobRefused(system=self._system, script=self._script, words=said.words)
            if job is None:
                raise JobIdNotFound(system=self._system, command=shlex.join(argv), output=said.output)
        except (CommandTookTooLong, JobIdNotFound) as error:
            # There may be a job: the record stays, so that others look for one with that mark.
            self._in_vain = True
            if not marks:
                self._records.drop(tags=[tag])
            elif isinstance(error, CommandTookTooLong):
                raise SubmissionUnclear(system=self._system, words=str(error)) from None
            raise
        except LaunchError:
            self._in_vain = True
            self._records.drop(tags=[tag])
            raise
        if said.code:
            log.warning("a job was submitted, but its command complained", extra={"job": job, "words": said.words})
        self._jobs.append(job)
        self._records.add(msgspec.structs.replace(record, job=job))

    def _id_in(self, said: Said) -> str | None:
        """Return the id in what was printed; where a command has failed, only one that is certain."""
        pattern, group = self._options.job_id_regexp.pattern, self._options.job_id_regexp_group
        if not pattern:
            pattern, group = self._system.job_id, self._system.job_id_group
        if (found := re.search(pattern, said.output, re.MULTILINE)) is not None:
            return str(found[group])
        like_ids = set(_LIKE_AN_ID.findall(said.output))
        return like_ids.pop() if len(like_ids) == 1 and not said.code else None

    async def _take_back(self) -> str:
        """Cancel the jobs that were taken, and see that they end; return in words what became of them."""
        cancel = cancel_command(self._options, self._system)
        count = f"{len(self._jobs)} job{'s' if len(self._jobs) != 1 else ''}"
        try:
            await end_jobs(
                self._system, self._jobs, cancel=cancel, board=self._board, seconds=self._options.stop_timeout
            )
        except LaunchError as error:
            log.warning("jobs of a start that failed are left: %s", error)
            return f"{count} had been submitted before that, and: {error}"
        self._board.drop(self._jobs)
        self._records.drop(jobs=self._jobs)
        return f"{count} that had been submitted before that {'were' if len(self._jobs) != 1 else 'was'} cancelled"
