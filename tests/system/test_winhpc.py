"""Windows HPC Server: driven by a command `job` that answers as the manual says, and really runs the tasks."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engineroom import Cluster
from engineroom.cluster.records.job_records import all_records
from engineroom.errors import LaunchError
from engineroom.settings.profiles import Profile
from engineroom.trail.steps import QUEUED, SUBMITTED, read_steps
from tests.patience import SECONDS
from tests.reader import Reader
from tests.system.conftest import Command, until
from tests.system.fake_scheduler import FakeScheduler

PAGE = "starting/windows-hpc.md"


@pytest.fixture
def scheduler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeScheduler:
    made = FakeScheduler(tmp_path / "scheduler", monkeypatch, "winhpc", "job")
    made.say("head_node", "HEADNODE")
    return made


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A profile of which the engines run on the cluster."""
    path = tmp_path / "profile_w"
    path.mkdir()
    (path / "ipcluster_config.py").write_text(
        "c.Cluster.engine_launcher_class = 'WinHPC'\nc.WindowsHPCLauncher.scheduler = 'HEADNODE'\n"
        "c.IPEngine.reconnect_timeout = 2\n"
    )
    return path


@pytest.fixture
def cluster(scheduler: FakeScheduler, directory: Path) -> Iterator[Cluster]:
    made = Cluster(n=2, profile_dir=directory, cluster_id="")
    made.start_cluster_sync()
    yield made
    made.stop_cluster_sync()


def noted(directory: Path) -> list[str]:
    """Return the jobs that are on disk."""
    return [each.job for records in all_records(Profile(directory)) for each in records.read()]


def test_engines_are_the_tasks_of_one_job(cluster: Cluster, scheduler: FakeScheduler, directory: Path) -> None:
    with cluster.connect_client_sync() as rc:
        rc.wait_for_engines(2, timeout=SECONDS)
        assert sorted(rc[:].apply_sync(os.getpid)) == sorted(scheduler.pids(11))
        assert rc[:].apply_sync(os.getcwd) == [str(directory)] * 2
    assert scheduler.jobs() == [11]
    job = (directory / "ipengineset_job.xml").read_text()
    for file in (directory / "security").glob("*.json"):
        assert not [line for line in file.read_text().splitlines() if "key" in line and line.split('"')[3] in job]


def test_an_engine_that_dies_is_reported_and_stop_leaves_none(cluster: Cluster, scheduler: FakeScheduler) -> None:
    with cluster.connect_client_sync() as rc:
        rc.wait_for_engines(2, timeout=SECONDS)
        os.kill(scheduler.pids(11)[0], signal.SIGKILL)
        until(lambda: len(rc.ids) == 1)
        cluster.stop_engines_sync()
        assert scheduler.pids(11) == []


def test_what_waits_says_why_and_goes_on_and_what_gets_no_signal_says_so_too(
    scheduler: FakeScheduler, directory: Path, command: Callable[..., Command]
) -> None:
    scheduler.say("hold", "Not enough cores available.")
    start = command("ipcluster", "start", "-n", "1", f"--profile-dir={directory}")
    start.says("waiting: job 11 of Windows HPC Server is queued: Not enough cores available.")
    scheduler.release()
    start.says("1 engine is ready").signal(signal.SIGUSR1)
    start.says("engine set 1 got no signal: Windows HPC Server can't send signals").signal(signal.SIGINT).succeeds()
    assert not scheduler.pids(11)
    steps = {
        step.words: step.step for step in read_steps(Profile(directory).steps_file("")) if step.who == "engine set 1"
    }
    assert steps["job 11 of Windows HPC Server"] == SUBMITTED
    assert steps["job 11 of Windows HPC Server is queued: Not enough cores available."] == QUEUED


def refusal(directory: Path) -> str:
    """Return what a start says that fails."""
    with pytest.raises(LaunchError) as caught:
        Cluster(n=1, profile_dir=directory, cluster_id="").start_cluster_sync()
    return str(caught.value)


def test_a_job_that_is_refused(scheduler: FakeScheduler, directory: Path) -> None:
    scheduler.say("reject", "The job template Default does not allow this.")
    assert "`job submit /jobfile:" in (words := refusal(directory))
    assert "The job template Default does not allow this." in words


def test_a_head_node_that_is_not_there(scheduler: FakeScheduler, directory: Path) -> None:
    scheduler.say("head_node", "OTHER")
    assert "The head node HEADNODE can't be reached." in refusal(directory)


def test_no_command(directory: Path) -> None:
    assert "WindowsHPCLauncher.job_cmd says where it is" in refusal(directory)


def test_engines_that_fail_at_once_end_the_start_with_the_reason(scheduler: FakeScheduler, directory: Path) -> None:
    with (directory / "ipcluster_config.py").open("a") as file:
        file.write("c.IPEngineTask.command_line = 'sh -c \"exit 7\"'\n")
    assert "is failed: Task failed with exit code 7." in refusal(directory)


def test_engines_end_by_themselves_when_the_cluster_is_killed(scheduler: FakeScheduler, directory: Path) -> None:
    cluster = Cluster(n=1, profile_dir=directory, cluster_id="")
    cluster.start_cluster_sync()
    host = int(Profile(directory).pid_file("ipcluster", "").read_text().split('"pid":')[1].split(",")[0])
    os.kill(host, signal.SIGKILL)
    until(lambda: not scheduler.pids(11))


def test_what_the_page_shows(scheduler: FakeScheduler, reader: Reader) -> None:
    reader.follows(PAGE, "winhpc-profile")
    reader.writes(PAGE, "winhpc-config", reader.profile("hpc").path / "ipcluster_config.py", after="c = get_config()\n")
    [start] = reader.follows(PAGE, "winhpc-start")
    reader.follows(PAGE, "winhpc-stop")
    start.ends()
    assert scheduler.jobs() == [11]
    assert 'Priority="Normal" Project="budget 42"' in (reader.profile("hpc").path / "ipengineset_job.xml").read_text()


def test_a_controller_in_a_job_of_its_own(scheduler: FakeScheduler, directory: Path) -> None:
    cluster = Cluster(n=1, profile_dir=directory, cluster_id="", controller_launcher_class="WindowsHPC")
    with cluster as rc:
        rc.wait_for_engines(1, timeout=SECONDS)
        assert [len(scheduler.pids(job)) for job in (11, 12)] == [1, 1]
        assert (directory / "ipcontroller_job.xml").exists()
        assert noted(directory) == ["11", "12"]
    assert scheduler.pids(11) + scheduler.pids(12) == []
    assert noted(directory) == []


def test_a_job_that_waits_is_cancelled_when_the_cluster_is_killed(
    scheduler: FakeScheduler, directory: Path, command: Callable[..., Command]
) -> None:
    scheduler.say("hold", "Not enough cores available.")
    start = command("ipcluster", "start", "-n", "1", f"--profile-dir={directory}").says("waiting: ")
    start.signal(signal.SIGKILL)
    until(lambda: not noted(directory))
    scheduler.release()
    seen = subprocess.run(["job", "view", "11", "/scheduler:HEADNODE"], capture_output=True, text=True, check=True)
    assert "Canceled" in seen.stdout


def test_a_dry_run_shows_the_job(scheduler: FakeScheduler, directory: Path, command: Callable[..., Command]) -> None:
    shown = command("ipcluster", "start", "-n", "1", f"--profile-dir={directory}", "--dry-run").succeeds().output
    assert '<Job xmlns="http://schemas.microsoft.com/HPCS2008/scheduler/"' in shown
    assert f"$ job submit /jobfile:{directory}/ipengineset_job.xml /scheduler:HEADNODE" in shown
    assert scheduler.jobs() == []
