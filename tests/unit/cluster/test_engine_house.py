"""What a host makes of engines that end before it has heard that they registered."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, cast

import pytest

from engineroom.cluster.engine_house import EngineHouse
from engineroom.cluster.plan import HostPlan
from engineroom.cluster.reports import EngineDied, Report
from engineroom.controller.config import ControllerConfig
from engineroom.engine.config import EngineConfig
from engineroom.errors import LaunchError
from engineroom.ids import new_instance


class Spawner:
    """Starts nothing."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.tell = self.told.append

    async def attach(self, *_: Any) -> None:
        """Attach nothing."""


def start_two_that_end(directory: Path, *, own_controller: bool, code: int) -> list[Report]:
    """Return what is reported when two engines are started that end with exit code `code`."""
    plan = HostPlan(
        profile_dir=str(directory / "profile_default"),
        cluster_id="",
        engine=EngineConfig(connection_file="f"),
        controller=ControllerConfig(security_dir="s") if own_controller else None,
        n=2,
    )
    plan.profile.prepare()
    spawner, reports = Spawner(), list[Report]()

    async def story() -> None:
        house = EngineHouse(
            plan,
            new_instance(),
            cast(Any, spawner),
            report=reports.append,
            on_exit=lambda *_: None,
            on_change=lambda: None,
            on_failure=reports.append,
        )
        starting = asyncio.create_task(house.start(2))
        await asyncio.sleep(0)
        for told in spawner.told:
            facts = {"exited": told["key"], "instance": told["spawn"]["instance"], "code": code}
            house.hear(json.dumps({**facts, "cause": f"exit code {code}"}).encode())
        assert await starting == ("1", "")
        assert len(house.engines) == 0

    asyncio.run(story())
    return reports


def test_what_another_controller_ended_in_order_is_no_failure(tmp_path: Path) -> None:
    reports = start_two_that_end(tmp_path, own_controller=False, code=0)
    assert not [report for report in reports if isinstance(report, EngineDied)]


@pytest.mark.parametrize(("own_controller", "code"), [(True, 0), (True, 3), (False, 3)])
def test_everything_else_is_one(tmp_path: Path, own_controller: bool, code: int) -> None:
    with pytest.raises(LaunchError, match=f"2 of 2 engines did not register: engine 0 ended, exit code {code}"):
        start_two_that_end(tmp_path, own_controller=own_controller, code=code)
