"""A set whose launcher knows at once when it ends: what is said, in which order, and to whom."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from engineroom.cluster.launchers.launcher import ENGINE, Command, Handle, Polled, State, Status
from engineroom.cluster.line.messages import EngineDied, Notice
from engineroom.cluster.plan.host_plan import HostPlan
from engineroom.cluster.sets.launched import LaunchedEngines
from engineroom.engine.config import EngineConfig
from engineroom.errors import LaunchError
from engineroom.ids import Instance, new_instance
from engineroom.protocol.messages import EngineExited
from engineroom.trail.launches import VARIABLE
from tests.patience import SECONDS
from tests.unit.cluster.pretended_host import PretendedHost

HOW = "mpiexec: exit code 137; it said:\n  rank 1 exited on signal 9"


class World(Polled):
    """A launcher of one world, whose end a test decides."""

    def __init__(self) -> None:
        self.environment: dict[str, str] = {}
        self.status = Status(State.RUNNING)
        self.stopped = 0
        self.started, self._over = asyncio.Event(), asyncio.Event()

    async def start(self, command: Command) -> Handle:
        self.environment = command.environment
        self.started.set()
        return {}

    async def poll(self, handle: Handle) -> Status:
        return self.status

    def ended(self, handle: Handle) -> Coroutine[Any, Any, Status]:
        return self._end()

    async def _end(self) -> Status:
        await self._over.wait()
        return self.status

    async def signal(self, handle: Handle, signum: int) -> None:
        """Signal nobody."""

    async def stop(self, handle: Handle) -> None:
        self.stopped += 1

    def end(self) -> None:
        self.status = Status(State.ENDED, HOW)
        self._over.set()


class Story:
    """Two engines of such a world; all that the host and the controller are told."""

    def __init__(self, directory: Path) -> None:
        self.world, self.host = World(), PretendedHost()
        plan = HostPlan(
            profile_dir=str(directory / "profile_default"), cluster_id="", engine=EngineConfig(connection_file="f")
        )
        self.engines = LaunchedEngines(
            plan,
            self.host,
            self.world,
            make_command=lambda n, name: Command(role=ENGINE, name=name, argv=["ipengine"], n=n),
        )

    async def start(self) -> list[Instance]:
        starting = asyncio.create_task(self.engines.start(2))
        await self.world.started.wait()
        instances = [new_instance(), new_instance()]
        for engine_id, instance in enumerate(instances):
            self.engines.joined(instance, engine_id, self.world.environment[VARIABLE])
        await starting
        return instances

    async def until_forgotten(self) -> None:
        await self.host.pulse.until(lambda: not self.engines.handles())

    async def close(self) -> None:
        self.engines.close()
        await self.engines.ended()


def test_the_engine_that_died_first_is_named_first_and_then_why(tmp_path: Path) -> None:
    async def play() -> None:
        story = Story(tmp_path)
        first, second = await story.start()
        story.world.end()
        await asyncio.sleep(0)
        story.engines.left(second, "its process ended")
        story.engines.left(first, "its process ended")
        await story.until_forgotten()
        assert [each.engine for each in story.host.reports if isinstance(each, EngineDied)] == [1, 0]
        assert story.host.reports[-1] == Notice(f"engine set 1 has ended: {HOW}")
        assert story.host.exits == []
        await story.close()

    asyncio.run(asyncio.wait_for(play(), SECONDS))


def test_a_controller_that_does_not_see_it_is_told(tmp_path: Path) -> None:
    async def play() -> None:
        story = Story(tmp_path)
        instances = await story.start()
        story.world.end()
        await story.host.pulse.until(lambda: len(story.host.exits) == 2)
        assert story.host.exits == [EngineExited(instance, "mpiexec: exit code 137") for instance in instances]
        for instance in instances:
            story.engines.left(instance, "mpiexec")
        await story.until_forgotten()
        await story.close()

    asyncio.run(asyncio.wait_for(play(), SECONDS))


def test_a_world_that_ends_before_its_engines_register(tmp_path: Path) -> None:
    async def play() -> None:
        story = Story(tmp_path)
        starting = asyncio.create_task(story.engines.start(2))
        await story.world.started.wait()
        story.world.end()
        with pytest.raises(LaunchError, match="2 of 2 engines did not register: mpiexec: exit code 137; it said:"):
            await starting
        await story.close()

    asyncio.run(asyncio.wait_for(play(), SECONDS))


def test_a_stop_has_the_controller_tell_them_first(tmp_path: Path) -> None:
    async def play() -> None:
        story = Story(tmp_path)
        await story.start()
        await story.engines.stop("1")
        assert story.host.dismissed == [(0, 1)]
        assert story.world.stopped == 1
        await story.close()

    asyncio.run(asyncio.wait_for(play(), SECONDS))
