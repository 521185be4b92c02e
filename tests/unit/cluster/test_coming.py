"""What hosts say of engines that are to come, in time; and the names of their sets are theirs alone."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, cast

import pytest

from engineroom.cluster.launchers.launcher import State, Status
from engineroom.cluster.line.errors import NoSuchSet
from engineroom.cluster.plan.host_plan import HostPlan
from engineroom.cluster.sets.forked import ForkedEngines
from engineroom.cluster.sets.hosted import HostedEngines, SetExists
from engineroom.controller.config import ControllerConfig
from engineroom.engine.config import EngineConfig
from engineroom.errors import LaunchError
from engineroom.ids import SessionId, task_id
from engineroom.protocol.messages import Coming, EngineExited
from tests.unit.cluster.pretended_host import PretendedHost, Spawner
from tests.unit.cluster.test_launched_engines import Sets, play, started


class Told(PretendedHost):
    """A host with engines, and all that the controller is told of them, in order."""

    def __init__(self, directory: Path, **options: Any) -> None:
        super().__init__()
        self.spawner = Spawner()
        self.told: list[Coming | EngineExited] = []
        plan = HostPlan(
            profile_dir=str(directory / "profile_default"),
            cluster_id="",
            engine=EngineConfig(connection_file="f"),
            controller=ControllerConfig(security_dir="s"),
            **options,
        )
        plan.profile.prepare()
        self.engines = ForkedEngines(plan, self, cast(Any, self.spawner))

    def engines_changed(self) -> None:
        coming = self.engines.coming()
        if coming != next((each for each in reversed(self.told) if isinstance(each, Coming)), Coming()):
            self.told.append(coming)

    def engine_exited(self, exited: EngineExited) -> None:
        super().engine_exited(exited)
        self.told.append(exited)

    async def start(self, n: int, name: str = "") -> None:
        """Start engines, and let them register."""
        starting = asyncio.create_task(self.engines.start(n, name))
        await asyncio.sleep(0)
        self.join()
        await starting

    def join(self) -> None:
        for engine in self.engines.engines:
            if not engine.ready:
                self.engines.joined(engine.instance, engine.key, "")

    def die(self, key: int = 0, code: int = 3, **more: Any) -> EngineExited:
        """Let an engine end; return what the controller is told."""
        engine = self.engines.engines.get(key)
        assert engine is not None
        facts = {"exited": key, "instance": engine.instance.hex(), "code": code, "cause": f"exit code {code}", **more}
        self.engines.hear(json.dumps(facts).encode())
        return self.exits[-1]


def test_engines_that_start_are_to_come_until_they_have_registered(tmp_path: Path) -> None:
    host = Told(tmp_path)

    asyncio.run(host.start(2))

    assert host.told == [Coming(2), Coming(1), Coming()]


def test_one_that_is_started_again_is_to_come_before_its_end_is_told(tmp_path: Path) -> None:
    async def story() -> None:
        host = Told(tmp_path, restart_engines=True)
        await host.start(1)
        exited = host.die(own=True, running=[[task_id(SessionId(b"s" * 16), 7).hex(), 2]])
        assert host.told[-2:] == [Coming(1, 1, restarts=True), exited]
        assert exited.own
        assert exited.running == ((task_id(SessionId(b"s" * 16), 7), 2),)

    asyncio.run(story())


def test_one_that_is_not_is_not(tmp_path: Path) -> None:
    async def story() -> None:
        host = Told(tmp_path)
        await host.start(1)
        host.die()
        assert host.engines.coming() == Coming()

    asyncio.run(story())


def test_those_that_are_restarted_on_demand_are_to_come_and_end_by_no_doing_of_theirs(tmp_path: Path) -> None:
    async def story() -> None:
        host = Told(tmp_path)
        await host.start(2, "a")
        restarting = asyncio.create_task(host.engines.restart())
        await asyncio.sleep(0)
        assert host.told[-1] == Coming(2, 2)
        exited = host.die(0, 0, own=True)
        assert (exited.cause, exited.own) == ("stopped by its host", False)
        host.die(1, 0, own=True)
        host.join()
        assert await restarting == ""
        assert host.engines.coming() == Coming()

    asyncio.run(story())


def test_those_that_are_stopped_are_not_to_come(tmp_path: Path) -> None:
    async def story() -> None:
        host = Told(tmp_path, restart_engines=True)
        await host.start(1)
        stopping = asyncio.create_task(host.engines.stop())
        await asyncio.sleep(0)
        host.die(0, 0)
        await stopping
        assert host.engines.coming() == Coming(restarts=True)

    asyncio.run(story())


def test_a_set_of_the_same_name_is_refused_and_the_first_lives_on(tmp_path: Path) -> None:
    async def story() -> None:
        host = Told(tmp_path)
        await host.start(1, "gpu")
        with pytest.raises(SetExists, match="there is a set of engines 'gpu' already"):
            await host.engines.start(1, "gpu")
        assert [engine.set for engine in host.engines.engines] == ["gpu"]
        host.die()
        await host.start(1, "gpu")  # all of the first have ended

    asyncio.run(story())


def test_numbers_that_somebody_has_taken_as_names_are_passed_over(tmp_path: Path) -> None:
    async def story() -> None:
        host = Told(tmp_path)
        for name in ("1", "3", ""):
            await host.start(1, name)
        assert list(host.engines.engines.sets()) == ["1", "3", "2"]
        assert host.engines.engines.new_set() == "4"

    asyncio.run(story())


def test_names_of_sets_that_have_no_engines_yet_are_taken_too() -> None:
    engines = HostedEngines()

    with pytest.raises(SetExists):
        engines.new_set("a", taken={"a"})
    assert engines.new_set(taken={"1"}) == "2"


def test_a_job_that_waits_has_its_name_and_its_engines_are_to_come(tmp_path: Path) -> None:
    async def story(sets: Sets) -> None:
        starting = await started(sets)
        assert sets.engines.coming() == Coming(2)
        with pytest.raises(SetExists):
            await sets.engines.start(1, "1")
        assert len(sets.queue.started) == 1
        sets.join(0)
        sets.join(1)
        assert await starting == ("1", "")
        assert sets.engines.coming() == Coming()

    play(tmp_path, story)


def test_while_a_job_is_being_submitted_they_are_as_well(tmp_path: Path) -> None:
    async def story(sets: Sets) -> None:
        submitted = sets.queue.slow = asyncio.Event()
        starting = asyncio.create_task(sets.engines.start(2, "a"))
        await sets.queue.asked.wait()
        assert sets.engines.coming() == Coming(2)
        with pytest.raises(SetExists):
            await sets.engines.start(1, "a")
        submitted.set()
        sets.join(0)
        sets.join(1)
        await starting

    play(tmp_path, story)


def test_of_a_job_that_is_started_again_the_name_stays_taken(tmp_path: Path) -> None:
    async def story(sets: Sets) -> None:
        starting = await started(sets, 1)
        first = sets.join(0)
        await starting
        submitted = sets.queue.slow = asyncio.Event()
        sets.queue.asked.clear()
        restarting = asyncio.create_task(sets.engines.restart("1"))
        await sets.queue.asked.wait()
        sets.engines.left(first, "stopped by its host")
        assert sets.engines.coming().engines >= 1
        with pytest.raises(SetExists):
            await sets.engines.start(1, "1")
        submitted.set()
        sets.join(1)
        assert await restarting == ""
        assert sets.engines.coming() == Coming()

    play(tmp_path, story)


def test_of_a_job_that_has_ended_nothing_is_to_come(tmp_path: Path) -> None:
    async def story(sets: Sets) -> None:
        starting = await started(sets)
        sets.queue.status = Status(State.ENDED, "exit code 1")
        sets.polling.look()
        with pytest.raises(LaunchError):
            await starting
        assert sets.engines.coming() == Coming()

    play(tmp_path, story)


def test_there_is_no_such_set() -> None:
    assert "none" in str(NoSuchSet.named("a", ()))
