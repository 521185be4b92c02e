"""Controllers and engines in batch jobs that have ended: submitted again if somebody wants that. Slurm is a pretended
one."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from engineroom import Client, Cluster
from engineroom.protocol.connection_files import read_connection_file
from engineroom.settings.profiles import Profile
from tests.patience import SECONDS
from tests.system.conftest import Command, answers, until
from tests.system.fake_scheduler import FakeScheduler


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeScheduler:
    return FakeScheduler(tmp_path, monkeypatch, "slurm", "sbatch", "srun", "squeue", "scontrol", "scancel")


def kill_job(slurm: FakeScheduler, number: int) -> None:
    slurm.say(f"{number}.state", "NODE_FAIL")
    for pid in slurm.pids(number):
        os.killpg(pid, signal.SIGKILL)


def start(command: Callable[..., Command], *more: str) -> Command:
    begun = command("ipcluster", "start", "-n", "1", "--controller=slurm", "--ip=127.0.0.1", *more)
    return begun.says("1 engine is ready")


def test_it_is_submitted_again_and_its_engines_and_clients_find_it(
    command: Callable[..., Command], profile: Profile, slurm: FakeScheduler
) -> None:
    started = start(command, "--restart-controller")
    before = read_connection_file(profile.connection_file("client"))
    with Client(timeout=SECONDS) as rc:
        engine = rc[0].apply_sync(os.getpid)
        (first,) = slurm.jobs()
        kill_job(slurm, first)
        started.says("It is restarted")
        started.says("the controller is running again")
        assert len(slurm.jobs()) == 2
        assert answers(rc, [0], os.getpid) == [engine]
    after = read_connection_file(profile.connection_file("client"))
    assert (after.port, after.exec_key) == (before.port, before.exec_key)
    started.signal(signal.SIGINT).succeeds()
    until(lambda: not any(slurm.pids(number) for number in slurm.jobs()))


def test_engines_whose_jobs_have_ended_are_submitted_again_under_their_ids(
    profile: Profile, slurm: FakeScheduler
) -> None:
    with Cluster(n=2, engines="slurm", profile_dir=profile.path) as rc:
        before = rc[:].apply_sync(os.getpid)

        def ended() -> None:
            kill_job(slurm, slurm.jobs()[-1])
            until(lambda: not rc.ids)

        def back() -> None:
            assert rc.ids == [0, 1]
            assert not set(before) & set(rc[:].apply_sync(os.getpid))

        ended()
        rc.shutdown([0, 1], restart=True, block=True)
        back()
        rc.shutdown(block=True)
        rc.shutdown([0], restart=True, block=True)  # they are one job
        until(lambda: len(rc.ids) == 2)
        back()
        ended()
        rc.cluster.restart_engines_sync()
        until(lambda: len(rc.ids) == 2)
        back()
        rc.shutdown(restart=True, block=True)  # while they run
        back()
        assert len(slurm.jobs()) == 5


def test_by_default_it_is_not_and_the_cluster_ends_with_the_reason(
    command: Callable[..., Command], profile: Profile, slurm: FakeScheduler
) -> None:
    started = start(command)
    (first,) = slurm.jobs()
    kill_job(slurm, first)
    assert started.ends() == 1
    assert "the controller has ended" in started.output
    assert len(slurm.jobs()) == 1
