"""Jobs of a batch system: submitted, asked how they are, cancelled. What differs between systems is data."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shlex
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec

from engineroom.cluster.launchers.batch_systems.registry import system_called, system_of
from engineroom.cluster.launchers.batch_systems.system import BatchSystem, JobState
from engineroom.cluster.launchers.job_board import JobBoard
from engineroom.cluster.launchers.job_cleanup import cancel_leftovers
from engineroom.cluster.launchers.job_commands import run, with_jobs
from engineroom.cluster.launchers.job_ending import end_jobs
from engineroom.cluster.launchers.job_records import JobRecord, JobRecords
from engineroom.cluster.launchers.job_script import (
    fields_of,
    last_words,
    remove_script,
    script_of,
    script_path,
    write_script,
)
from engineroom.cluster.launchers.launcher import CONTROLLER, Command, Handle, State, Status
from engineroom.errors import LaunchError
from engineroom.protocol.launches import VARIABLE, parse_launch
from engineroom.settings.launchers import BatchSystemLauncher
from engineroom.settings.profiles import Profile
from engineroom.settings.steps import ENDED, QUEUED, SUBMITTED, Steps

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


class BatchLauncher:
    """A Launcher for the batch system that `options` are for. `shared`: by all launchers of the same cluster."""

    def __init__(self, options: BatchSystemLauncher, shared: dict[str, Any]) -> None:
        self._options, self._shared = options, shared
        self._system: BatchSystem | None = None
        self._steps: dict[str, Steps] = {}

    async def start(self, command: Command) -> Handle:
        system = await self._which()
        submit = list(self._options.submit_command) or list(system.submit)
        if not submit:
            raise LaunchError(
                f"set `submit_command` for {type(self._options).__name__}: it says how jobs are submitted"
            )
        one_job = not self._splits(system, command)
        text = script_of(system, self._options, command, n=command.n if one_job else 1)
        script = script_path(self._options, system, command, _set_of(command))
        write_script(script, text)
        await cancel_leftovers(command.profile, command.cluster_id, but_of=_host_of(command))
        steps = Steps(command.profile.steps_file(command.cluster_id), _who(command))
        submission = _Submission(self._options, system, command, submit, script, text)
        try:
            jobs = await submission.submit(1 if one_job else command.n)
        except LaunchError as error:
            steps.note(SUBMITTED, ok=False, words=str(error), fix=getattr(error, "fix", ""))
            raise
        steps.note(SUBMITTED, words=f"{system.name} job {_listed(jobs)}, by `{shlex.join(submit)} {script}`")
        self._board(system).add(jobs, new=True)
        handle: Handle = {
            "launcher": "batch",
            "system": system.name,
            "jobs": jobs,
            "script": str(script),
            "output": fields_of(system, self._options, command, n=1)["output_file"],
            "profile_dir": command.profile_dir,
            "cluster_id": command.cluster_id,
        }
        self._steps[jobs[0]] = steps
        return handle

    async def poll(self, handle: Handle) -> Status:
        system, jobs = self._system_in(handle), handle["jobs"]
        states = await self._board(system).states(jobs)
        status = status_of(system, states)
        steps = self._steps.get(jobs[0])
        if steps is not None and status.state is State.WAITING and status.words:
            steps.note(QUEUED, words=status.words, fix=_fix(states))
        elif status.state is State.ENDED and (said := last_words(handle.get("output", ""))):
            status = Status(State.ENDED, f"{status.words}; its last words: {said}")
        if steps is not None and status.state is State.ENDED:
            steps.note(ENDED, ok=False, words=status.words, fix=_fix(states))
        return status

    async def signal(self, handle: Handle, signum: int) -> None:
        system = self._system_in(handle)
        words = list(self._options.signal_command) or list(system.signal)
        if not words:
            raise LaunchError(f"{system.name} has no command that sends signals to jobs")
        name = signal.Signals(signum).name.removeprefix("SIG")
        argv = [word.replace("{signal}", name) for word in words]
        if argv == words:  # as users wrote it: the signal follows
            argv.append(name)
        said = await run([*argv, *handle["jobs"]])
        if said.code:
            raise LaunchError(f"{system.name}: `{shlex.join(argv)}`: {said.words}")

    async def stop(self, handle: Handle) -> None:
        system, jobs = self._system_in(handle), handle["jobs"]
        self._steps.pop(jobs[0], None)
        board = self._board(system)
        cancel = self._cancel(system)
        await end_jobs(system, jobs, cancel=cancel, board=board, seconds=self._options.stop_timeout)
        board.drop(jobs)
        JobRecords.of(Profile(Path(handle["profile_dir"])), handle["cluster_id"]).drop(jobs=jobs)
        remove_script(handle["script"])

    async def describe(self, command: Command) -> str:
        """Return, for people, the script and the command by which it would be submitted."""
        system = await self._which()
        one_job = not self._splits(system, command)
        text = script_of(system, self._options, command, n=command.n if one_job else 1)
        submit = shlex.join(list(self._options.submit_command) or list(system.submit))
        path = script_path(self._options, system, command, _set_of(command))
        times = "" if one_job else f"   # {command.n} times"
        return f"{text}$ {submit} {'< ' if system.submit_by_stdin else ''}{path}{times}"

    def _cancel(self, system: BatchSystem) -> list[str]:
        return list(self._options.delete_command) or list(system.cancel)

    def _splits(self, system: BatchSystem, command: Command) -> bool:
        if command.role == CONTROLLER or command.n == 1:
            return False
        own = bool(self._options.batch_template or self._options.batch_template_file)
        if self._options.split is not None:
            return bool(self._options.split)
        return not own and system.split

    def _board(self, system: BatchSystem) -> JobBoard:
        board: JobBoard = self._shared.setdefault(f"jobs of {system.name}", JobBoard(system))
        return board

    def _system_in(self, handle: Handle) -> BatchSystem:
        own = system_of(self._options)
        return own if own.name == handle["system"] else system_called(handle["system"])

    async def _which(self) -> BatchSystem:
        """Return the system that is here, where several have the same commands."""
        if self._system is None:
            self._system = await variant_of(system_of(self._options), getattr(self._options, "variant", ""))
        return self._system


class _Submission:
    """The jobs of one start."""

    def __init__(
        self,
        options: BatchSystemLauncher,
        system: BatchSystem,
        command: Command,
        submit: list[str],
        script: Path,
        text: str,
    ) -> None:
        self._options, self._system, self._command = options, system, command
        self._submit, self._script, self._text = submit, script, text
        self._records = JobRecords.of(command.profile, command.cluster_id)
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
            host=_host_of(self._command),
        )
        self._records.add(record)
        by_stdin = self._system.submit_by_stdin
        argv = [*self._submit, *marks, *([] if by_stdin else [str(self._script)])]
        try:
            said = await run(argv, stdin=self._text if by_stdin else "")
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


def status_of(system: BatchSystem, states: Sequence[JobState]) -> Status:
    """Return how all of them together are: waiting as long as one is, running as long as one is, then ended."""
    for state in (State.WAITING, State.RUNNING, State.ENDED):
        of_it = [each for each in states if each.state is state]
        if of_it:
            return Status(state, _words(system, state, of_it))
    return Status(State.WAITING)


def _words(system: BatchSystem, state: State, states: Sequence[JobState]) -> str:
    by_words: dict[str, list[str]] = {}
    for each in states:
        if each.words:
            by_words.setdefault(f"{each.words}{f' (fix: {each.fix})' if each.fix else ''}", []).append(each.job)
    verb = {State.WAITING: " is queued: ", State.ENDED: " ", State.RUNNING: ": "}[state]
    return "; ".join(f"{system.name} job {_listed(jobs)}{verb}{words}" for words, jobs in by_words.items())


def _fix(states: Sequence[JobState]) -> str:
    return next((each.fix for each in states if each.fix), "")


def _listed(jobs: Sequence[str]) -> str:
    different = list(dict.fromkeys(jobs))
    shown = ", ".join(different[:5])
    return f"{shown} and {len(different) - 5} more" if len(different) > 5 else shown


async def variant_of(system: BatchSystem, told: str = "") -> BatchSystem:
    """Return the system that `system` is here, of those with the same commands; `told`: by its user."""
    if told:
        return system_called(told)
    if not system.version:
        return system
    try:
        said = await run(with_jobs(system.version, []))
    except LaunchError:
        return system  # the next command says it
    for regexp, name in system.variants:
        if re.search(regexp, said.output + said.errors, re.IGNORECASE):
            return system_called(name)
    return system


def _who(command: Command) -> str:
    return "controller" if command.role == CONTROLLER else f"engines {_set_of(command)}".rstrip()


def _host_of(command: Command) -> str:
    launch = parse_launch(command.environment.get(VARIABLE, ""))
    return "" if launch is None else launch.host.hex()


def _set_of(command: Command) -> str:
    launch = parse_launch(command.environment.get(VARIABLE, ""))
    return "" if launch is None else launch.set
