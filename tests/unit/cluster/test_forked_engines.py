"""What a host makes of engines that end before it has heard that they registered."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, cast

import pytest

from engineroom.cluster.line.messages import EngineDied, Report
from engineroom.cluster.plan.host_plan import HostPlan
from engineroom.cluster.sets.forked import ForkedEngines
from engineroom.controller.config import ControllerConfig
from engineroom.engine.config import EngineConfig
from engineroom.errors import LaunchError
from tests.patience import SECONDS
from tests.unit.cluster.pretended_host import PretendedHost, Spawner


def forked_engines(directory: Path, spawner: Spawner, host: PretendedHost, **options: Any) -> ForkedEngines:
    """Return the engines of `host`, by a plan of these options."""
    plan = HostPlan(
        profile_dir=str(directory / "profile_default"),
        cluster_id="",
        engine=EngineConfig(connection_file="f"),
        **options,
    )
    plan.profile.prepare()
    return ForkedEngines(plan, host, cast(Any, spawner))


def start_two_that_end(directory: Path, *, own_controller: bool, code: int) -> list[Report]:
    """Return what is reported when two engines are started that end with exit code `code`."""
    spawner, host = Spawner(), PretendedHost()
    controller = ControllerConfig(security_dir="s") if own_controller else None

    async def story() -> None:
        engines = forked_engines(directory, spawner, host, controller=controller, n=2)
        starting = asyncio.create_task(engines.start(2))
        await asyncio.sleep(0)
        for told in spawner.told:
            facts = {"exited": told["key"], "instance": told["spawn"]["instance"], "code": code}
            engines.hear(json.dumps({**facts, "cause": f"exit code {code}"}).encode())
        assert await starting == ("1", "")
        assert len(engines.engines) == 0

    asyncio.run(story())
    return host.reports


def test_what_another_controller_ended_in_order_is_no_failure(tmp_path: Path) -> None:
    reports = start_two_that_end(tmp_path, own_controller=False, code=0)
    assert not [report for report in reports if isinstance(report, EngineDied)]


@pytest.mark.parametrize(("own_controller", "code"), [(True, 0), (True, 3), (False, 3)])
def test_everything_else_is_one(tmp_path: Path, own_controller: bool, code: int) -> None:
    with pytest.raises(LaunchError, match=f"2 of 2 engines did not register: engine 0 ended, exit code {code}"):
        start_two_that_end(tmp_path, own_controller=own_controller, code=code)


@pytest.mark.parametrize("wish", ["stop", "restart"])
def test_an_engine_that_waits_for_its_next_life_is_stopped_or_started_at_once(tmp_path: Path, wish: str) -> None:
    spawner = Spawner()

    def join(engines: ForkedEngines) -> None:
        engines.joined(next(iter(engines.engines)).instance, 0, "")

    def die(engines: ForkedEngines) -> None:
        (engine,) = engines.engines
        facts = {"exited": 0, "instance": engine.instance.hex(), "code": -9, "cause": "killed by SIGKILL"}
        engines.hear(json.dumps(facts).encode())

    async def story() -> None:
        controller = ControllerConfig(security_dir="s")
        engines = forked_engines(tmp_path, spawner, PretendedHost(), controller=controller, n=1, restart_engines=True)
        starting = asyncio.create_task(engines.start(1))
        await asyncio.sleep(0)
        join(engines)
        await starting
        die(engines)
        await spawner.pulse.until(lambda: len(spawner.told) == 2)
        join(engines)
        die(engines)  # and now it waits before it lives again
        if wish == "stop":
            await engines.stop()
            assert len(engines.engines) == 0
        else:
            restarting = asyncio.create_task(engines.restart())
            await asyncio.sleep(0)
            assert len(spawner.told) == 3
            join(engines)
            assert await restarting == ""
        assert all("spawn" in told for told in spawner.told)  # there was nobody to be told to stop
        engines.close()

    asyncio.run(asyncio.wait_for(story(), SECONDS))
