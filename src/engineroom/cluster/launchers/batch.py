"""Jobs of a batch system: submitted, asked how they are, cancelled. What differs between systems is data."""

from __future__ import annotations

import re
import shlex
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from engineroom.cluster.launchers.jobs.board import FRESH, JobBoard
from engineroom.cluster.launchers.jobs.cleanup import cancel_leftovers
from engineroom.cluster.launchers.jobs.commands import run, with_jobs
from engineroom.cluster.launchers.jobs.ending import cancel_command, end_jobs
from engineroom.cluster.launchers.jobs.parts import ended_jobs, ended_tasks, lost_tasks, tasks_listed, worst_of
from engineroom.cluster.launchers.jobs.script import (
    last_words,
    remove_script,
    script_of,
    script_path,
    write_script,
    written_last,
)
from engineroom.cluster.launchers.jobs.submission import Submission
from engineroom.cluster.launchers.launcher import CONTROLLER, Command, Handle, Polled, State, Status
from engineroom.cluster.launchers.systems.registry import system_called, system_of
from engineroom.cluster.launchers.systems.system import BatchSystem, JobState
from engineroom.cluster.records.job_records import forget_jobs, records_shared
from engineroom.errors import LaunchError
from engineroom.machine.logs import end_of, rotate
from engineroom.settings.launchers import BatchSystemLauncher

_LARGEST_OUTPUT = 256 * 1024
"""Bytes at the end of what a job has printed in which lost tasks are looked for."""

_VERBS = {State.WAITING: " is queued: ", State.RUNNING: ": ", State.ENDED: " "}


class BatchLauncher(Polled):
    """A Launcher for the batch system that `options` are for. `shared`: by all launchers of the same cluster;
    `fresh`: seconds for which what the system said of jobs counts."""

    def __init__(self, options: BatchSystemLauncher, shared: dict[str, Any], *, fresh: float = FRESH) -> None:
        self._options, self._shared, self._fresh = options, shared, fresh
        self._system: BatchSystem | None = None
        self._arrays: set[str] = set()

    async def start(self, command: Command) -> Handle:
        system = await self._which()
        submit = self._submit(system)
        one_job = not self._splits(system, command)
        text = script_of(system, self._options, command, n=command.n if one_job else 1)
        script = script_path(self._options, system, command)
        write_script(script, text)
        await cancel_leftovers(command.profile, command.cluster_id)
        records = records_shared(self._shared, command.profile, command.cluster_id, command.launch.host.hex())
        board, output = self._board(system), self._options.output_file or command.log_file
        if one_job and command.log_file and not self._options.output_file:
            rotate(Path(command.log_file))
        before = written_last(output)
        submission = Submission(self._options, system, command, submit, script, text, records, board)
        jobs = await submission.submit(1 if one_job else command.n)
        board.add(jobs, new=True)
        handle: Handle = {
            "launcher": "batch",
            "words": f"{system.name} job {_listed(jobs)}, by `{shlex.join(submit)} {script}`",
            "system": system.name,
            "jobs": jobs,
            "n": command.n,
            "script": str(script),
            "output": output,
            "output_before": before,
            "outputs": {} if one_job or self._options.output_file else _outputs(system, command, jobs),
            "profile_dir": command.profile_dir,
            "cluster_id": command.cluster_id,
        }
        if one_job and command.n > 1 and system.array and not self._has_own_script:
            self._arrays.add(jobs[0])
        return handle

    async def poll(self, handle: Handle) -> Status:
        system = self._system_in(handle)
        return await self._status_of(system, handle, await self._board(system).states(handle["jobs"]))

    async def poll_all(self, handles: Sequence[Handle]) -> Sequence[Status | LaunchError]:
        """Return the status of all `handles`, by one query of each batch system that they are of: one, usually."""
        found: dict[int, Status | LaunchError] = {}
        for system in {name: self._system_in(handle) for handle in handles if (name := handle["system"])}.values():
            numbers = [number for number, handle in enumerate(handles) if handle["system"] == system.name]
            try:
                said = await self._board(system).states_of([handles[number]["jobs"] for number in numbers])
            except LaunchError as error:
                found |= dict.fromkeys(numbers, error)
                continue
            for number, states in zip(numbers, said, strict=True):
                found[number] = await self._status_of(system, handles[number], states)
        return [found[number] for number in range(len(handles))]

    async def _status_of(self, system: BatchSystem, handle: Handle, states: list[JobState]) -> Status:
        jobs = handle["jobs"]
        states, ended = await self._with_parts(system, handle, states)
        status = msgspec.structs.replace(status_of(system, states), ended=ended, fix=_fix(states))
        if status.state is State.ENDED:
            forget_jobs(self._shared, jobs)
        if said := _last_words(handle, states, self._options.output_limit):
            status = msgspec.structs.replace(status, words=f"{status.words}; its last output: {said}")
        return status

    async def signal(self, handle: Handle, signum: int) -> None:
        system = self._system_in(handle)
        words = list(self._options.signal_command) or list(system.signal)
        if not words:
            raise LaunchError(
                f"{system.name} has no command that sends signals to jobs: if your site has one, set `signal_command` "
                "of the launcher"
            )
        name = _name_of(signum)
        argv = [word.replace("{signal}", name) for word in words]
        if argv == words:  # as users wrote it: the signal follows
            argv.append(name)
        said = await run([*argv, *handle["jobs"]])
        if said.code:
            raise LaunchError(f"{system.name}: `{shlex.join(argv)}`: {said.words}")

    async def stop(self, handle: Handle) -> None:
        system, jobs = self._system_in(handle), handle["jobs"]
        self._arrays.discard(jobs[0])
        board = self._board(system)
        cancel = cancel_command(self._options, system)
        await end_jobs(system, jobs, cancel=cancel, board=board, seconds=self._options.stop_timeout)
        board.drop(jobs)
        forget_jobs(self._shared, jobs)
        remove_script(handle["script"])

    async def describe(self, command: Command) -> str:
        """Return, for people, the script and the command by which it would be submitted."""
        system = await self._which()
        one_job = not self._splits(system, command)
        text = script_of(system, self._options, command, n=command.n if one_job else 1)
        submit = shlex.join(self._submit(system))
        path = script_path(self._options, system, command)
        times = "" if one_job else f"   # {command.n} times"
        return f"{text}$ {submit} {'< ' if system.submit_by_stdin else ''}{path}{times}"

    def _submit(self, system: BatchSystem) -> list[str]:
        submit = list(self._options.submit_command) or list(system.submit)
        if not submit:
            raise LaunchError(
                f"set `submit_command` of {type(self._options).__name__} to the command that submits jobs"
            )
        return submit

    def _splits(self, system: BatchSystem, command: Command) -> bool:
        if command.role == CONTROLLER or command.n == 1:
            return False
        if self._options.split is not None:
            return bool(self._options.split)
        return system.split and not self._has_own_script

    @property
    def _has_own_script(self) -> bool:
        return bool(self._options.batch_template or self._options.batch_template_file)

    async def _with_parts(
        self, system: BatchSystem, handle: Handle, states: list[JobState]
    ) -> tuple[list[JobState], int]:
        """Return `states`, of one job one for all tasks that have ended, and how many of the engines have."""
        (job, *others), n = handle["jobs"], handle.get("n", 1)
        alive = [state for state in states if state.state is not State.ENDED]
        if others or n == 1 or not alive:
            return states, ended_jobs(states, n)
        if (tasks_listed(states) or 0) >= n:
            self._arrays.add(job)  # by a script of the user's own
        if job in self._arrays:
            ended, how = await self._ended_of_array(system, job, n, states)
        else:
            ended, how = self._ended_by_output(system, handle)
        if not ended or how is None:
            return alive, 0
        return [*alive, msgspec.structs.replace(how, job=f"{job} ({ended} of its {n} tasks)")], ended

    async def _ended_of_array(
        self, system: BatchSystem, job: str, n: int, states: list[JobState]
    ) -> tuple[int, JobState | None]:
        """Return how many tasks have ended, and how; None: that is worth waiting for."""
        ended, told = ended_tasks(states, n), worst_of(states)
        if not ended or told is not None:
            return ended, told
        words = await self._board(system).ending_of_part(job, ended)
        return ended, None if words is None else JobState(job, State.ENDED, words)

    def _ended_by_output(self, system: BatchSystem, handle: Handle) -> tuple[int, JobState]:
        """Return how many tasks of a parallel job have failed, and how."""
        output, ended, words = handle.get("output", ""), 0, ""
        ours = not (self._has_own_script or self._options.output_file)
        if ours and system.lost_tasks and written_last(output) != handle.get("output_before"):
            ended, words = lost_tasks(system.lost_tasks, end_of(output, _LARGEST_OUTPUT))
        return ended, JobState(handle["jobs"][0], State.ENDED, f"ended: {words[:1].lower()}{words[1:]}")

    def _board(self, system: BatchSystem) -> JobBoard:
        board: JobBoard = self._shared.setdefault(f"jobs of {system.name}", JobBoard(system, fresh=self._fresh))
        return board

    def _system_in(self, handle: Handle) -> BatchSystem:
        own = system_of(self._options)
        return own if own.name == handle["system"] else system_called(handle["system"])

    async def _which(self) -> BatchSystem:
        """Return the system that is here, where several have the same commands."""
        if self._system is None:
            self._system = await variant_of(system_of(self._options), getattr(self._options, "variant", ""))
        return self._system


def status_of(system: BatchSystem, states: Sequence[JobState]) -> Status:
    """Return how all of them together are: waiting as long as one is, running as long as one is, then ended."""
    for state in (State.WAITING, State.RUNNING, State.ENDED):
        if any(each.state is state for each in states):
            return Status(state, _words(system, states))
    return Status(State.WAITING)


def _words(system: BatchSystem, states: Sequence[JobState]) -> str:
    by_words: dict[str, list[str]] = {}
    for each in states:
        if words := each.words or ("ended" if each.state is State.ENDED else ""):
            fix = f" (fix: {each.fix})" if each.fix else ""
            by_words.setdefault(f"{_VERBS[each.state]}{words}{fix}", []).append(each.job)
    return "; ".join(f"{system.name} job {_listed(jobs)}{words}" for words, jobs in by_words.items())


def _outputs(system: BatchSystem, command: Command, jobs: Sequence[str]) -> dict[str, str]:
    """Return where each of the jobs of a split set prints to, as far as that is known."""
    if not command.log_file or "%j" not in system.split_output:
        return {}
    return {job: f"{command.log_file}{system.split_output.replace('%j', job)}" for job in jobs}


def _last_words(handle: Handle, states: Sequence[JobState], limit: int) -> str:
    """Return the last words of the first job that has ended otherwise than well, where they can be told."""
    outputs = handle.get("outputs", {})
    if told := worst_of([state for state in states if state.job in outputs]):
        return last_words(outputs[told.job], limit) if told.words != "ended" else ""
    if any(state.state is not State.ENDED for state in states):
        return ""
    output = handle.get("output", "")
    # What an earlier job wrote there is not said by this one.
    return last_words(output, limit) if written_last(output) != handle.get("output_before") else ""


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


def _name_of(signum: int) -> str:
    """Return a signal as batch systems take it: "INT", or for one without a name, as most real-time ones, "40"."""
    try:
        return signal.Signals(signum).name.removeprefix("SIG")
    except ValueError:
        return str(signum)
