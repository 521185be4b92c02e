"""Jobs of Windows HPC Server: described in XML, handed to the scheduler by its command `job`."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from engineroom.cluster.launchers.launcher import CONTROLLER, Command, Handle, State, Status
from engineroom.cluster.launchers.winhpc_job import job_xml
from engineroom.cluster.launchers.winhpc_status import status_in
from engineroom.errors import LaunchError
from engineroom.protocol.launches import VARIABLE, parse_launch
from engineroom.settings.launchers import WindowsHPCLauncher
from engineroom.settings.profiles import tail
from engineroom.settings.steps import SUBMITTED, Steps
from engineroom.settings.winhpc import WinHPCTask

_SYSTEM = "Windows HPC Server"
_LOOK_EVERY = 1.0
"""Seconds between two looks at a job that is to end."""
_ANSWER_SECONDS = 60.0
"""How long `job` may take to answer: an overloaded scheduler is slow, a name that nobody answers to is slower."""


class WindowsHPC:
    """Starts a controller, or a set of engines, as a job. No secret is in it: connection files are on a share."""

    def __init__(self, options: WindowsHPCLauncher) -> None:
        self._options = options
        # Sets have the same file one after the other.
        self._writing = asyncio.Lock()

    async def start(self, command: Command) -> Handle:
        steps = Steps(command.profile.steps_file(command.cluster_id), _who(command))
        try:
            async with self._writing:
                path = self._file(command)
                path.write_bytes(self.describe(command))
                said = await self._ask("submit", f"/jobfile:{path}")
            found = self._options.job_id_regexp.search(said)
            if found is None:
                raise LaunchError(
                    f"{_SYSTEM} took {path} but no id of a job is in its answer, {said!r}: the option "
                    "WindowsHPCLauncher.job_id_regexp says what an id looks like"
                )
        except LaunchError as error:
            steps.note(SUBMITTED, ok=False, words=str(error))
            raise
        job = found.group()
        steps.note(SUBMITTED, words=f"job {job} of {_SYSTEM}")
        return {"launcher": "windowshpc", "job": job, "scheduler": self._options.scheduler}

    def describe(self, command: Command) -> bytes:
        """Return the XML of the job that runs `command`."""
        job = self._options.job_class(**{"job_name": command.name, **self._options.job})
        return job_xml(job, self._tasks(command))

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

    def _file(self, command: Command) -> Path:
        usual = "ipcontroller_job" if command.role == CONTROLLER else "ipengineset_job"
        return Path(command.profile_dir) / (self._options.job_file_name or f"{usual}{tail(command.cluster_id)}.xml")

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

    async def _ask(self, *words: str) -> str:
        """Return what the scheduler answers; LaunchError if it says no, or nothing."""
        argv = [self._options.job_cmd, *words]
        if self._options.scheduler:
            argv.append(f"/scheduler:{self._options.scheduler}")
        asked = " ".join(argv)
        try:
            process = await asyncio.create_subprocess_exec(
                *argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
        except OSError as error:
            raise LaunchError(
                f"`{asked}` can't be run: {os.strerror(error.errno or 0)}. The command is part of the client utilities "
                "of HPC Pack; WindowsHPCLauncher.job_cmd says where it is"
            ) from error
        try:
            output, _ = await asyncio.wait_for(process.communicate(), _ANSWER_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise LaunchError(f"`{asked}` did not answer within {_ANSWER_SECONDS:g} s") from None
        said = output.decode(errors="replace").strip()
        if process.returncode:
            raise LaunchError(f"`{asked}` failed with exit code {process.returncode}: {said}")
        return said


def _who(command: Command) -> str:
    """Return whose steps these are."""
    launch = parse_launch(command.environment.get(VARIABLE, ""))
    return command.role if launch is None or not launch.set else f"engines {launch.set}"
