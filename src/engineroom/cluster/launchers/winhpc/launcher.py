"""Jobs of Windows HPC Server: described in XML, handed to the scheduler by its command `job`."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec

from engineroom.cluster.launchers.jobs.commands import run
from engineroom.cluster.launchers.launcher import CONTROLLER, Command, Handle, Polled, State, Status
from engineroom.cluster.launchers.systems.winhpc import WINHPC
from engineroom.cluster.launchers.winhpc.job import job_xml
from engineroom.cluster.launchers.winhpc.status import status_in
from engineroom.cluster.records.job_records import JobRecord, forget_jobs, records_shared
from engineroom.errors import LaunchError
from engineroom.machine.private_files import write_private
from engineroom.settings.launchers import WindowsHPCLauncher
from engineroom.settings.profiles import tail
from engineroom.settings.winhpc import WinHPCTask

_SYSTEM = WINHPC.name
_LOOK_EVERY = 1.0
"""Seconds between two looks at a job that is to end."""


class WindowsHPC(Polled):
    """Starts a controller, or a set of engines, as a job. No secret is in it: connection files are on a share."""

    def __init__(self, options: WindowsHPCLauncher, shared: dict[str, Any]) -> None:
        """`shared`: by all launchers of the same host."""
        self._options, self._shared = options, shared
        # Sets have the same file one after the other.
        self._writing = asyncio.Lock()

    async def start(self, command: Command) -> Handle:
        submission = asyncio.ensure_future(self._submit(command))
        try:
            job = await asyncio.shield(submission)
        except asyncio.CancelledError:
            with contextlib.suppress(LaunchError):  # what is being submitted has an id soon, and is not wanted any more
                await self._ask("cancel", await submission)
            raise
        return {
            "launcher": "windowshpc",
            "words": f"job {job} of {_SYSTEM}",
            "job": job,
            "scheduler": self._options.scheduler,
        }

    def xml(self, command: Command) -> bytes:
        """Return the job that runs `command`."""
        job = self._options.job_class(**{"job_name": command.name, **self._options.job})
        return job_xml(job, self._tasks(command))

    def describe(self, command: Command) -> str:
        """Return, for people, the job and the command by which it would be submitted."""
        return f"{self.xml(command).decode()}$ {shlex.join(self._words('submit', self._argument(command)))}"

    async def poll(self, handle: Handle) -> Status:
        said = await self._ask("view", handle["job"])
        status = status_in(said)
        if status is None:
            raise LaunchError(f"{_SYSTEM} says nothing that we know of job {handle['job']}: {said!r}")
        return Status(status.state, f"job {handle['job']} of {_SYSTEM} is {status.words}")

    async def signal(self, handle: Handle, signum: int) -> None:
        raise LaunchError(f"{_SYSTEM} can't send signals: job {handle['job']} did not get signal {signum}")

    async def stop(self, handle: Handle) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._options.stop_timeout
        refused = ""
        try:
            await self._ask("cancel", handle["job"])
        except LaunchError as error:
            refused = str(error)  # it may have ended before: how it is says more than that
        while (status := await self.poll(handle)).state is not State.ENDED:
            if refused or loop.time() >= deadline:
                raise LaunchError(
                    f"{status.words}, {self._options.stop_timeout:g} s after it was canceled{refused and ': '}{refused}"
                )
            await asyncio.sleep(_LOOK_EVERY)
        forget_jobs(self._shared, [handle["job"]])

    async def _submit(self, command: Command) -> str:
        """Submit a job; return its id, which is on disk by then."""
        record = JobRecord(
            system=_SYSTEM,
            role=command.role,
            tag=uuid4().hex,
            cancel=self._words("cancel", "{job}"),
            status=self._words("view", "{job}"),
        )
        records = records_shared(self._shared, command.profile, command.cluster_id, command.launch.host.hex())
        async with self._writing:
            write_private(self._file(command), self.xml(command))
            records.add(record)
            try:
                said = await self._ask("submit", self._argument(command))
            except LaunchError:
                records.drop(tags=[record.tag])
                raise
        found = self._options.job_id_regexp.search(said)
        if found is None:
            raise LaunchError(
                f"{_SYSTEM} took {self._file(command)} but no id of a job is in its answer, {said!r}: the option "
                "WindowsHPCLauncher.job_id_regexp says what an id looks like"
            )
        records.add(msgspec.structs.replace(record, job=found.group()))
        return str(found.group())

    def _file(self, command: Command) -> Path:
        usual = "ipcontroller_job" if command.role == CONTROLLER else "ipengineset_job"
        return Path(command.profile_dir) / (self._options.job_file_name or f"{usual}{tail(command.cluster_id)}.xml")

    def _argument(self, command: Command) -> str:
        return f"/jobfile:{self._file(command)}"

    def _tasks(self, command: Command) -> Iterator[WinHPCTask]:
        """Yield a task for each process. What the options say of tasks counts more than what we would do."""
        log, told = Path(command.log_file), self._options.task
        for number in range(command.n):
            part = tail(str(number)) if command.n > 1 else ""
            usual = {
                "task_name": f"{command.role}{part}",
                "command_line": subprocess.list2cmdline(command.argv),
                "work_directory": command.profile_dir,  # on the share; our own directory need not be there
                "std_out_file_path": str(log.with_name(f"{log.stem}{part}.out")),
                "std_err_file_path": str(log.with_name(f"{log.stem}{part}.err")),
            }
            variables = {**command.environment, **told.get("environment_variables", {})}
            yield self._options.task_class(**{**usual, **told, "environment_variables": variables})

    def _words(self, *words: str) -> list[str]:
        place = [f"/scheduler:{self._options.scheduler}"] if self._options.scheduler else []
        return [self._options.job_cmd, *words, *place]

    async def _ask(self, *words: str) -> str:
        """Return what the scheduler answers; LaunchError if it says no, or nothing."""
        argv = self._words(*words)
        try:
            said = await run(argv)
        except LaunchError as error:
            raise LaunchError(
                f"{error}. `job` is a command of HPC Pack's client utilities; WindowsHPCLauncher.job_cmd says where it "
                "is, and WindowsHPCLauncher.scheduler whom it asks"
            ) from error
        if said.code:
            raise LaunchError(f"`{' '.join(argv)}` failed with exit code {said.code}: {said.words}")
        return f"{said.output}{said.errors}".strip()
