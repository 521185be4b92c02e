"""How all jobs of a cluster are, by one query for all of them."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from engineroom.cluster.launchers.jobs.commands import run, with_jobs
from engineroom.cluster.launchers.launcher import State
from engineroom.cluster.launchers.systems.system import BatchSystem, JobState
from engineroom.errors import LaunchError

log = logging.getLogger(__name__)

_Read = TypeVar("_Read")

_SHOWN = 200
"""How many characters are shown of what can't be understood."""

FRESH = 1.0
"""Seconds for which an answer counts: several ask, and the system likes to be asked seldom."""

_AGAIN = 2.0
"""Seconds between two questions how a job ended, where the system is slow to know."""

_AT_ONCE = 4
"""How many commands ask at the same time how jobs ended: some read through all jobs that there ever were."""

_SETTLE = 5.0
"""Seconds after its submission in which a job that the system does not tell of is not there yet."""


@dataclass(slots=True)
class _Part:
    """Tasks of an array that have ended. `words`: how, None as long as that may become known, at `deadline` at last."""

    ended: int
    deadline: float
    ask_again: float = float("-inf")
    words: str | None = None


class JobBoard:
    """What the batch system said last of all jobs on the board, which is asked about all of them at once."""

    def __init__(self, system: BatchSystem, *, fresh: float = FRESH, again: float = _AGAIN) -> None:
        """`fresh`: seconds for which an answer counts; `again`: between two questions how a job ended."""
        self._system, self._fresh, self._again = system, fresh, again
        self._since: dict[str, float] = {}
        self._states: dict[str, list[JobState]] = {}
        self._ended: dict[str, list[JobState]] = {}
        self._parts: dict[str, _Part] = {}
        self._leaving: set[str] = set()
        self._limit = asyncio.Semaphore(_AT_ONCE)
        self._asked = float("-inf")
        self._answer: asyncio.Task[None] | None = None

    def add(self, jobs: Iterable[str], *, new: bool = False) -> None:
        """Ask about these jobs too. `new`: they have just been submitted."""
        since = asyncio.get_running_loop().time() if new else float("-inf")
        for job in jobs:
            self._since.setdefault(job, since)
        self.ask_anew()

    def drop(self, jobs: Iterable[str]) -> None:
        """Ask no more about these jobs."""
        for job in jobs:
            self._since.pop(job, None)
            self._parts.pop(job, None)
            self._leaving.discard(job)

    def leave(self, jobs: Iterable[str]) -> None:
        """Ask about these jobs until they have ended; how they do is of no interest."""
        self._leaving.update(jobs)
        self.add(jobs)

    def ask_anew(self) -> None:
        """Ask at the next opportunity, for what was heard is no longer so."""
        self._asked = float("-inf")

    async def states(self, jobs: Sequence[str]) -> list[JobState]:
        """Return how `jobs` are; more states than jobs where one is an array. LaunchError: it can't be asked."""
        return (await self.states_of([jobs]))[0]

    async def states_of(self, many: Sequence[Sequence[str]]) -> list[list[JobState]]:
        """Return what `states` does of each of `many`, by one question."""
        if not self._system.status:
            return [[JobState(job, State.RUNNING) for job in jobs] for jobs in many]
        loop = asyncio.get_running_loop()
        if self._answer is None or (self._answer.done() and loop.time() - self._asked >= self._fresh):
            self._asked = loop.time()
            self._answer = loop.create_task(self._ask())
            self._answer.add_done_callback(_heard)
        await asyncio.shield(self._answer)
        return [[state for job in jobs for state in self._known(job)] for jobs in many]

    async def ending_of_part(self, job: str, ended: int) -> str | None:
        """Return how `ended` tasks of an array ended that goes on, "" if nobody knows; None: it may be known soon."""
        now = asyncio.get_running_loop().time()
        part = self._parts.get(job)
        if part is None or part.ended != ended:
            part = self._parts[job] = _Part(ended, now + self._system.ending_seconds)
        if part.words is None and now >= part.ask_again:
            part.ask_again = now + self._again
            part.words = await self._ending_of(job) or ("" if now >= part.deadline else None)
        return part.words

    def _known(self, job: str) -> list[JobState]:
        return self._ended.get(job) or self._states.get(job) or [JobState(job, State.WAITING, tasks=0)]

    async def _ask(self) -> None:
        asked = [job for job in self._since if job not in self._ended]
        if not asked:
            return
        found: dict[str, list[JobState]] = {}
        for jobs in [[job] for job in asked] if self._system.one_by_one else [asked]:
            for state in await self._status_of(jobs):
                found.setdefault(number_of(state.job), []).append(state)
        await self._find_reasons(found)
        await asyncio.gather(*(self._note(job, found.get(number_of(job), [])) for job in asked))

    async def _status_of(self, jobs: Sequence[str]) -> list[JobState]:
        said = await run(with_jobs(self._system.status, jobs))
        not_known = self._system.not_known and re.search(self._system.not_known, said.errors + said.output)
        if said.code < 0 or (said.code and not not_known):
            raise LaunchError(f"{self._system.name} can't be asked about jobs: {said.words}")
        states = self._understood(self._system.read_status, said.output)
        return [msgspec.structs.replace(each, job=jobs[0]) for each in states] if self._system.one_by_one else states

    async def _find_reasons(self, found: dict[str, list[JobState]]) -> None:
        """Fill in why jobs wait, where the system tells that by another command."""
        mute = [number for number, states in found.items() if any(map(_is_mute, states))]
        if not mute or not self._system.reasons:
            return
        try:
            said = await run(with_jobs(self._system.reasons, mute))
        except LaunchError:
            return  # they wait, whatever for
        for number, (words, fix) in self._understood(self._system.read_reasons, said.output).items():
            found[number] = [
                msgspec.structs.replace(state, words=words, fix=fix) if _is_mute(state) else state
                for state in found.get(number, ())
            ]

    async def _note(self, job: str, states: list[JobState]) -> None:
        if states and job in self._since:
            self._since[job] = float("-inf")  # whoever was there once and is no more has ended
        young = asyncio.get_running_loop().time() - self._since.get(job, 0.0) < _SETTLE
        if not states and young:
            words = await self._ending_of(job)
            states = [JobState(job, State.ENDED, words) if words else JobState(job, State.WAITING, tasks=0)]
        before = self._states.get(job, [])
        self._states[job] = states
        if all(state.state is State.ENDED for state in states):
            if not any(state.words for state in states):
                waited = any(state.state is State.WAITING for state in before)
                # What never began has no ending that a system would know of.
                words = await self._how_it_ended(job) or ("was removed while it waited" if waited else "ended")
                states = [JobState(job, State.ENDED, words)]
            self._ended[job] = states

    async def _how_it_ended(self, job: str) -> str:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._system.ending_seconds
        while job not in self._leaving:
            if words := await self._ending_of(job):
                return words
            if loop.time() >= deadline:
                break
            await asyncio.sleep(self._again)
        return ""

    async def _ending_of(self, job: str) -> str:
        """Return how a job ended, "" if the system does not know that it has."""
        for command in self._system.endings:
            try:
                async with self._limit:
                    said = await run(with_jobs(command, [job]))
            except LaunchError:
                continue  # a site need not have it
            if said.code == 0 and (words := self._understood(self._system.read_ending, said.output)):
                return words
        return ""

    def _understood(self, read: Callable[[str], _Read], output: str) -> _Read:
        """Return what `read` makes of `output`; LaunchError: nothing."""
        try:
            return read(output)
        except Exception as error:  # the system may be the user's own, and print anything
            log.exception("what a batch system printed is not understood: %s", self._system.name)
            problem, shown = f"{type(error).__name__}: {error}", " ".join(output.split())[:_SHOWN]
            raise LaunchError(
                f"{self._system.name} said of jobs what can't be understood ({problem}): {shown!r}"
            ) from error


def _heard(task: asyncio.Task[None]) -> None:
    """Take note of an error that nobody waits for any more."""
    if not task.cancelled():
        task.exception()


def _is_mute(state: JobState) -> bool:
    return state.state is State.WAITING and not state.words


def number_of(job: str) -> str:
    """Return what ids of a job and of tasks of its array have in common: 12 of `12[3].server`, `12_3`, `12.3`."""
    found = re.match(r"\d+", job)
    return found[0] if found else job
