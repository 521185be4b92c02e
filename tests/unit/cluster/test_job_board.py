"""How jobs end, where the system's list of jobs no longer has them: asked for elsewhere, and waited for a little."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engineroom.cluster.launchers.jobs.board import JobBoard
from engineroom.cluster.launchers.launcher import State
from engineroom.cluster.launchers.systems.system import BatchSystem, JobState
from engineroom.errors import LaunchError
from tests.patience import SECONDS


class Told:
    """A system whose commands print what files say: `status` and `ending`."""

    def __init__(self, directory: Path) -> None:
        self._status, self._ending = directory / "status", directory / "ending"
        self.lists("")
        self.system = BatchSystem(
            name="Told",
            submit=(),
            cancel=(),
            status=("cat", str(self._status)),
            read_status=lambda said: [JobState("7", State(word)) for word in said.split()],
            endings=(("cat", str(self._ending)),),
            read_ending=str.strip,
            ending_seconds=SECONDS,
        )

    def lists(self, *states: str) -> None:
        self._status.write_text(" ".join(states))

    def knows(self, words: str) -> None:
        self._ending.write_text(words)


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return Told(tmp_path)


def of(told: Told, story: Callable[[JobBoard], Awaitable[None]], *, new: bool = False) -> JobState:
    """Return how the job 7 is at the end of `story`."""

    async def tell() -> JobState:
        board = JobBoard(told.system, fresh=0.0, again=0.05)
        board.add(["7"], new=new)
        await story(board)
        [state] = await board.states(["7"])
        return state

    return asyncio.run(asyncio.wait_for(tell(), SECONDS))


def test_an_ending_that_the_system_is_slow_to_know_is_waited_for(told: Told) -> None:
    async def story(board: JobBoard) -> None:
        told.lists("running")
        await board.states(["7"])
        told.lists("")
        asyncio.get_running_loop().call_later(0.3, told.knows, "reached its time limit")

    assert of(told, story) == JobState("7", State.ENDED, "reached its time limit")


def test_an_ending_that_stays_unknown(told: Told) -> None:
    told.system = replace(told.system, ending_seconds=0.1)

    async def story(board: JobBoard) -> None:
        told.lists("running")
        await board.states(["7"])
        told.lists("")

    assert of(told, story) == JobState("7", State.ENDED, "ended")


def test_what_was_removed_while_it_waited(told: Told) -> None:
    told.system = replace(told.system, ending_seconds=0.1)

    async def story(board: JobBoard) -> None:
        told.lists("waiting")
        await board.states(["7"])
        told.lists("")

    assert of(told, story) == JobState("7", State.ENDED, "was removed while it waited")


def test_whoever_stops_a_job_does_not_wait_to_hear_how_it_ended(told: Told) -> None:
    told.system = replace(told.system, ending_seconds=60.0)

    async def story(board: JobBoard) -> None:
        told.lists("running")
        await board.states(["7"])
        board.leave(["7"])
        told.lists("")

    assert of(told, story).state is State.ENDED


def test_how_a_part_of_an_array_ended_is_known_now_or_soon_or_never(told: Told) -> None:
    async def ask(board: JobBoard) -> list[str | None]:
        answers = [await board.ending_of_part("7", 1)]
        told.knows("failed with exit code 3")
        answers += [await board.ending_of_part("7", 1) for _ in range(2)]
        told.knows("")
        answers.append(await board.ending_of_part("7", 1))
        answers.append(await JobBoard(replace(told.system, ending_seconds=0.0), again=0.0).ending_of_part("7", 1))
        return answers

    told.knows("")
    known = "failed with exit code 3"
    assert asyncio.run(ask(JobBoard(told.system, again=0.0))) == [None, known, known, known, ""]


def test_what_is_not_understood_is_said_and_asked_again(told: Told) -> None:
    async def story(board: JobBoard) -> None:
        told.lists("Lorem")
        with pytest.raises(LaunchError, match=r"Told said .* can't be understood \(ValueError: 'Lorem'.*: 'Lorem'"):
            await board.states(["7"])
        told.lists("running")

    assert of(told, story) == JobState("7", State.RUNNING)


def test_a_command_that_is_killed_ends_nothing(told: Told) -> None:
    told.system = replace(told.system, status=("sh", "-c", "kill $$"), not_known=r"\A\s*\Z")

    async def story() -> None:
        board = JobBoard(told.system)
        board.add(["7"])
        with pytest.raises(LaunchError, match="Told can't be asked about jobs: exit code -15"):
            await board.states(["7"])

    asyncio.run(story())


def test_a_new_job_that_is_not_listed_yet_waits_unless_its_ending_is_known(told: Told) -> None:
    async def nothing(board: JobBoard) -> None:
        del board

    assert of(told, nothing, new=True) == JobState("7", State.WAITING, tasks=0)
    told.knows("failed with exit code 3")
    assert of(told, nothing, new=True) == JobState("7", State.ENDED, "failed with exit code 3")
