"""Only the host notes the steps of what a launcher starts, each once; the launcher says what there is to note."""

from __future__ import annotations

import ast
import asyncio
from pathlib import Path

import pytest

from engineroom.cluster import launchers
from engineroom.cluster.launchers.launcher import Command, Handle
from engineroom.cluster.launchers.status import State, Status
from engineroom.cluster.seats.seat import NoController
from engineroom.cluster.sets.engine_sets import EngineSets
from engineroom.errors import LaunchError
from engineroom.settings.profiles import Profile
from engineroom.trail.steps import ENDED, QUEUED, REGISTERED, SUBMITTED, Step, read_steps
from tests.patience import SECONDS
from tests.unit.cluster.test_controller_job import Job, nothing, profile, reports, seat
from tests.unit.cluster.test_launched_engines import Queue, Sets, play, started

__all__ = ["profile", "reports"]  # fixtures

SOURCES = sorted(Path(launchers.__file__).parent.rglob("*.py"))


class Refused(LaunchError):
    fix = "ask for less"


def steps_of(profile: Profile, who: str) -> list[tuple[str, bool, str, str]]:
    found: list[Step] = [step for step in read_steps(profile.steps_file()) if step.who.startswith(who)]
    return [(step.step, step.ok, step.words, step.fix) for step in found]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_launcher_notes_a_step(path: Path) -> None:
    names = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
    assert "Steps" not in names


def test_engines_that_wait_and_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def told(self: Queue, command: Command) -> Handle:
        return {"words": "Fleet job 7"}

    monkeypatch.setattr(Queue, "start", told)
    place = Profile(tmp_path / "profile_default")
    place.prepare()

    async def story(sets: Sets) -> None:
        sets.queue.status = Status(State.WAITING, "no trucks", fix="buy one")
        starting = await started(sets)
        for _ in range(3):
            sets.polling.look()
            await asyncio.sleep(0)
        sets.queue.status = Status(State.ENDED, "it broke down", fix="mend it")
        sets.polling.look()
        with pytest.raises(LaunchError, match="it broke down"):
            await starting

    play(tmp_path, story)
    submitted, named, queued, ended, registered = steps_of(place, "engine set 1")
    assert submitted[:2] == (SUBMITTED, True)
    assert named == (SUBMITTED, True, "Fleet job 7", "")
    assert queued == (QUEUED, True, "no trucks", "buy one")
    assert ended == (ENDED, False, "it broke down", "mend it")
    assert registered[:2] == (REGISTERED, False)


def test_engines_that_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(self: Queue, command: Command) -> Handle:
        raise Refused("too many")

    monkeypatch.setattr(Queue, "start", refuse)
    place = Profile(tmp_path / "profile_default")
    place.prepare()

    async def story(sets: Sets) -> None:
        engines: EngineSets = sets.engines
        with pytest.raises(Refused):
            await engines.start(2)

    play(tmp_path, story)
    assert steps_of(place, "engine set 1")[1:] == [(SUBMITTED, False, "too many", "ask for less")]


@pytest.mark.parametrize("problem", ["no room", ""])
def test_a_controller_that_does_not_start(problem: str, profile: Profile, reports: list[object]) -> None:
    job = Job()
    job.problem, job.status = problem, Status(State.ENDED, "exit code 3", fix="look at its log")

    async def story() -> None:
        made = seat(profile, job, reports)  # type: ignore[arg-type]  # of any report
        with pytest.raises(NoController) as caught:
            await asyncio.wait_for(made.start(nothing), SECONDS)
        assert caught.value.noted

    asyncio.run(story())
    submitted, failed = steps_of(profile, "controller")
    assert submitted[:2] == (SUBMITTED, True)
    at_start = (SUBMITTED, False, "no room", "")
    assert failed == (at_start if problem else (ENDED, False, "exit code 3", "look at its log"))
