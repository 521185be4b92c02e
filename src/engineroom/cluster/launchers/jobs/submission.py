"""Handing a script to a batch system, as often as needed; whatever happens, no job is left that nobody knows of."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shlex
from pathlib import Path
from uuid import uuid4

import msgspec

from engineroom.cluster.launchers.batch_systems.system import BatchSystem
from engineroom.cluster.launchers.jobs.commands import CommandTookTooLong, run
from engineroom.cluster.launchers.jobs.records import JobRecord, JobRecords
from engineroom.cluster.launchers.launcher import Command
from engineroom.errors import LaunchError
from engineroom.settings.launchers import BatchSystemLauncher

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
    ) -> None:
        """`submit`: the command that takes `script`, whose content is `text`."""
        self._options, self._system, self._command = options, system, command
        self._submit, self._script, self._text = submit, script, text
        self._records = records
        self._jobs: list[str] = []

    async def submit(self, times: int) -> list[str]:
        """Submit the script so many times; return the ids. If one is refused, or we are told to stop, none is left."""
        limit = asyncio.Semaphore(_AT_ONCE)

        async def once() -> None:
            async with limit:
                await self._once()

        work = asyncio.gather(*(once() for _ in range(times)), return_exceptions=True)
        try:
            results = await asyncio.shield(work)
            problem = next((result for result in results if isinstance(result, BaseException)), None)
            if problem is None:
                return self._jobs
            raise problem
        except BaseException:
            await work  # what is being submitted has an id soon
            await self._cancel()
            raise

    async def _once(self) -> None:
        tag = f"engineroom-{uuid4().hex[:12]}"
        marks = [] if self._options.submit_command else [word.format(tag=tag) for word in self._system.tag]
        record = JobRecord(
            system=self._system.name,
            role=self._command.role,
            tag=tag,
            cancel=list(self._options.delete_command) or list(self._system.cancel),
        )
        self._records.add(record)
        by_stdin = self._system.submit_by_stdin
        argv = [*self._submit, *marks, *([] if by_stdin else [str(self._script)])]
        try:
            said = await run(argv, stdin=self._text if by_stdin else "")
        except CommandTookTooLong:
            raise  # perhaps it has done it: the record stays, so that others look for a job with that mark
        except LaunchError:
            self._records.drop(tags=[tag])
            raise
        if said.code:
            self._records.drop(tags=[tag])
            raise JobRefused(system=self._system, script=self._script, words=said.words)
        job = self._id_in(said.output)
        if job is None:
            self._records.drop(tags=[tag])
            raise JobIdNotFound(system=self._system, command=shlex.join(argv), output=said.output)
        self._records.add(msgspec.structs.replace(record, job=job))
        self._jobs.append(job)

    def _id_in(self, output: str) -> str | None:
        pattern, group = self._options.job_id_regexp.pattern, self._options.job_id_regexp_group
        if not pattern:
            pattern, group = self._system.job_id, self._system.job_id_group
        found = re.search(pattern, output, re.MULTILINE)
        return str(found[group]) if found is not None else None

    async def _cancel(self) -> None:
        cancel = list(self._options.delete_command) or list(self._system.cancel)
        if self._jobs:
            with contextlib.suppress(LaunchError):  # what comes next is worse, and the records keep the ids
                said = await run([*cancel, *self._jobs])
                if said.code == 0:
                    self._records.drop(jobs=self._jobs)
