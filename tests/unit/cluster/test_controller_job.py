"""A controller in a job: when it counts as started, and what is said if it does not start."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engineroom.cluster.launchers.launcher import CONTROLLER, Command, Handle, Polled, State, Status
from engineroom.cluster.launchers.pace import Pace
from engineroom.cluster.launchers.polling import Polling
from engineroom.cluster.line.messages import Notice, Report
from engineroom.cluster.plan.host_plan import HostPlan
from engineroom.cluster.seats import launched
from engineroom.cluster.seats.launched import ControllerJob
from engineroom.cluster.seats.seat import NoController
from engineroom.controller.config import ControllerConfig
from engineroom.engine.config import EngineConfig
from engineroom.errors import LaunchError
from engineroom.ids import new_instance
from engineroom.machine.processes import ProcessRecord, boot_id, host_name
from engineroom.protocol.connection_files import ConnectionFile, write_connection_file
from engineroom.settings.profiles import Profile
from engineroom.trail.launches import VARIABLE, parse_launch
from tests.patience import SECONDS, turns

NOW = ProcessRecord.of_this_process()
BEFORE = msgspec.structs.replace(NOW, pid=1)


class Job(Polled):
    """A launcher whose job is as the test says."""

    def __init__(self) -> None:
        self.status = Status(State.WAITING)
        self.command: Command | None = None
        self.stopped = False
        self.problem = ""

    async def start(self, command: Command) -> Handle:
        if self.problem:
            raise LaunchError(self.problem)
        self.command = command
        return {"job": "1"}

    async def poll(self, handle: Handle) -> Status:
        return self.status

    async def signal(self, handle: Handle, signum: int) -> None:
        raise AssertionError("nobody signals a controller")

    async def stop(self, handle: Handle) -> None:
        self.stopped = True


class NoSweeper:
    """Nobody is killed here."""

    def __init__(self, profile_dir: str, cluster_id: str) -> None: ...
    def dismiss(self) -> None: ...


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Profile:
    monkeypatch.setattr(launched, "Sweeper", NoSweeper)
    profile = Profile(tmp_path)
    profile.prepare()
    return profile


@pytest.fixture
def reports() -> list[Report]:
    return []


def seat(profile: Profile, job: Job, reports: list[Report], seconds: float = SECONDS) -> ControllerJob:
    plan = HostPlan(
        profile_dir=str(profile.path),
        cluster_id="",
        engine=EngineConfig(connection_file=""),
        controller=ControllerConfig(security_dir=str(profile.security_dir)),
    )
    command = Command(role=CONTROLLER, name="c", argv=["ipcontroller"], log_file="/log", profile_dir=str(profile.path))
    return ControllerJob(
        plan,
        new_instance(),
        job,
        command,
        seconds=seconds,
        report=reports.append,
        polling=Polling(Pace(soon=0.02)),
        look_every=0.01,
        ask_seconds=0.1,
    )


def write_files(profile: Profile, record: ProcessRecord, sock: Path | None = None) -> None:
    for role in ("client", "engine"):
        info = ConnectionFile(url="tcp://127.0.0.1:7", exec_key="k", controller=record)
        if sock is not None:
            info.socket, info.host, info.boot_id = str(sock), host_name(), boot_id()
        write_connection_file(profile.connection_file(role), info)


def nothing(words: str, clean: Any) -> None:
    del words, clean


async def until_started(made: ControllerJob, and_then: Any) -> None:
    starting = asyncio.ensure_future(made.start(nothing))
    await turns(100)
    assert not starting.done()
    and_then()
    await asyncio.wait_for(starting, SECONDS)


def test_it_has_started_once_it_has_written_its_own_files(profile: Profile, reports: list[Report]) -> None:
    write_files(profile, BEFORE)  # of an earlier start, with --reuse for instance
    job = Job()

    async def story() -> dict[str, Any]:
        made = seat(profile, job, reports)
        await until_started(made, lambda: write_files(profile, NOW))
        return made.state()

    assert asyncio.run(story())["port"] == 7
    assert job.command is not None
    assert parse_launch(job.command.environment[VARIABLE]) is not None


def test_while_it_waits_the_reason_is_told_once(profile: Profile, reports: list[Report]) -> None:
    job = Job()
    job.status = Status(State.WAITING, "Resources")
    asyncio.run(until_started(seat(profile, job, reports), lambda: write_files(profile, NOW)))
    assert reports == [Notice("the controller is waiting: Resources")]


@pytest.mark.parametrize(
    ("status", "problem", "words"),
    [
        (Status(State.ENDED, "job 1 was cancelled"), "", "did not start: job 1 was cancelled; its output: /log"),
        (Status(State.RUNNING), "", r"its connection files did not appear in .* within 0.05 s.*shared"),
        (Status(State.WAITING), "no such queue", "no such queue"),
    ],
)
def test_if_it_does_not_start_it_is_said_why(
    status: Status, problem: str, words: str, profile: Profile, reports: list[Report]
) -> None:
    job = Job()
    job.status, job.problem = status, problem
    with pytest.raises(NoController, match=words):
        asyncio.run(seat(profile, job, reports, seconds=0.05).start(nothing))


def test_its_end_is_told_and_its_files_are_removed(profile: Profile, reports: list[Report]) -> None:
    job = Job()
    left = Path(os.environ["ENGINEROOM_SOCKET_DIR"]) / "killed.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(left))

    async def story() -> str:
        ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        made = seat(profile, job, reports)
        starting = asyncio.ensure_future(made.start(lambda words, clean: ended.set_result(words)))
        await turns(100)
        write_files(profile, NOW, left)
        await asyncio.wait_for(starting, SECONDS)
        job.status = Status(State.ENDED, "its node failed")
        words = await asyncio.wait_for(ended, SECONDS)
        made.stop("the cluster was stopped")
        await made.ended()
        return words

    assert asyncio.run(story()) == "the controller has ended: its node failed; its output: /log"
    assert job.stopped
    assert list(profile.security_dir.glob("*.json")) == []
    assert not left.exists()


@pytest.mark.parametrize("in_order", [True, False])
def test_one_that_has_taken_its_files_away_has_ended_in_order(
    profile: Profile, reports: list[Report], in_order: bool
) -> None:
    job = Job()
    pid_file = profile.pid_file("ipcontroller")

    async def story() -> bool:
        ended: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        made = seat(profile, job, reports)
        starting = asyncio.ensure_future(made.start(lambda words, clean: ended.set_result(clean)))
        await turns(100)
        pid_file.write_bytes(msgspec.json.encode(NOW))
        write_files(profile, NOW)
        await asyncio.wait_for(starting, SECONDS)
        if in_order:
            for path in (pid_file, *profile.connection_files()):
                path.unlink()
        job.status = Status(State.ENDED, "it has ended")
        clean = await asyncio.wait_for(ended, SECONDS)
        await made.leave()
        return clean

    assert asyncio.run(story()) is in_order
    assert job.stopped
    assert not pid_file.exists()
    assert len(list(profile.security_dir.glob("*.json"))) == (0 if in_order else 2)  # the next one goes on with them
