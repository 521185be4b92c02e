"""Starts by a batch system that fail: rejected, killed, out of time. The scheduler is a pretend one."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engineroom import Client, Cluster
from engineroom.cluster.why import report as why_report
from engineroom.cluster.why.report import as_text
from engineroom.errors import EngineError, LaunchError
from engineroom.settings.profiles import Profile
from tests.patience import SECONDS, slowly
from tests.system.conftest import Command, until
from tests.system.fake_scheduler import FakeScheduler

Commands = Callable[..., Command]

NAMED_WITHIN = 5.0
"""Seconds within which the reason is told, once the scheduler knows it."""


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeScheduler:
    return FakeScheduler(tmp_path, monkeypatch, "slurm", "sbatch", "srun", "squeue", "scontrol", "scancel")


def why(profile: Profile) -> str:
    """Return the answer and the fix, without the steps."""
    return as_text(why_report.why(profile, "")).partition("steps:")[0]


def kill_job(slurm: FakeScheduler, state: str) -> float:
    """Have the last job end as a scheduler ends it; return when that was."""
    number = slurm.jobs()[-1]
    slurm.say(f"{number}.state", state)
    for pid in slurm.pids(number):
        os.killpg(pid, signal.SIGKILL)
    return time.monotonic()


def start(command: Commands, n: int = 1) -> Command:
    return command("ipcluster", "start", "-n", str(n), "--engines=slurm", "--ip=127.0.0.1")


def test_a_job_that_is_rejected(command: Commands, profile: Profile, slurm: FakeScheduler) -> None:
    slurm.say("reject", "Invalid partition name specified")
    began = time.monotonic()
    started = start(command)
    assert started.ends() == 1
    assert time.monotonic() - began < slowly(NAMED_WITHIN)
    for said in (started.output, why(profile)):
        assert "Invalid partition name specified" in said
        assert re.search(r"[Ff]ix: set `queue` to a partition that `sinfo` lists", said)


def test_a_notebook_gets_the_reason_and_the_fix(profile: Profile, slurm: FakeScheduler) -> None:
    slurm.say("reject", "Invalid account or account/partition combination specified")
    with pytest.raises(LaunchError, match=r"(?s)Invalid account.*[Ff]ix: set "):
        Cluster(engines="slurm", n=1).start_and_connect_sync()


def test_a_job_that_waits_says_for_what_and_one_that_is_cancelled_says_so(
    command: Commands, profile: Profile, slurm: FakeScheduler
) -> None:
    slurm.say("hold", "Resources")
    started = start(command).says("Resources")
    waits = until(lambda: "queued" in (said := why(profile)) and said)
    assert re.search(r"0 of 1 engines are there; engine set 1: Slurm job \d+ is queued: Resources", waits)
    with Client() as rc, pytest.raises(TimeoutError, match=r"\nwhy: engine set 1: Slurm job \d+ is queued: Res"):
        rc.wait_for_engines(1, timeout=0.1)
    began = kill_job(slurm, "CANCELLED")
    assert started.ends() == 1
    assert time.monotonic() - began < slowly(NAMED_WITHIN)
    for said in (started.output, why(profile)):
        assert "was cancelled" in said
        assert "fix: " in said


def test_a_job_that_hits_its_time_limit(command: Commands, profile: Profile, slurm: FakeScheduler) -> None:
    started = start(command, 2).says("2 engines are ready")
    with Client() as rc:
        rc.wait_for_engines(2, timeout=SECONDS)
        waiting = rc.wait_for_engines(3, timeout=SECONDS, block=False)
        began = kill_job(slurm, "TIMEOUT")
        with pytest.raises(EngineError):
            waiting.result(SECONDS)
    started.says("reached its time limit")
    said = until(lambda: "time limit" in (said := why(profile)) and said)
    assert time.monotonic() - began < slowly(NAMED_WITHIN)
    assert said.startswith("engine set 1: Slurm job ")
    assert "fix: set a longer timelimit" in said
    started.signal(signal.SIGINT).ends()


def test_an_interpreter_that_is_not_there(command: Commands, profile: Profile, slurm: FakeScheduler) -> None:
    profile.path.mkdir(parents=True)
    config = "c = get_config()\nc.SlurmEngineSetLauncher.engine_cmd = ['/no/such/python', '-m', 'engineroom.engine']\n"
    (profile.path / "ipcluster_config.py").write_text(config)
    started = start(command)
    assert started.ends() == 1
    for said in (started.output, why(profile)):
        assert "/no/such/python" in said
        assert "fix: " in said
