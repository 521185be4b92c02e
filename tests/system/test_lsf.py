"""LSF: driven by commands that answer as the manuals say, and really run the jobs."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from engineroom import Client
from engineroom.cluster.launchers.batch import BatchLauncher
from engineroom.cluster.launchers.launcher import ENGINE, Command
from engineroom.settings.launchers import LSFEngineSetLauncher
from tests.patience import SECONDS
from tests.reader import Reader
from tests.system.conftest import until
from tests.system.fake_scheduler import FakeScheduler, profile_of, running

PAGE = "starting/lsf.md"
START = "ipcluster start --engines=LSF"


@pytest.fixture
def lsf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeScheduler:
    return FakeScheduler(tmp_path / "lsf", monkeypatch, "lsf", "bsub", "bjobs", "bkill")


@pytest.fixture
def reader(lsf: FakeScheduler, reader: Reader) -> Reader:
    return lsf.serves(reader)


def test_an_array_that_is_killed_by_its_owner(lsf: FakeScheduler, reader: Reader) -> None:
    [start] = reader.follows(PAGE, "lsf-start")
    with Client(profile_dir=str(reader.profile().path)) as rc:
        rc[:].execute("import os; element = os.environ['LSB_JOBINDEX'], os.getpid()", block=True)
        elements = rc[:]["element"]
        assert sorted(index for index, _ in elements) == ["1", "2", "3"]
        assert sorted(pid for _, pid in elements) == sorted(lsf.pids(11))
        lsf.end(11, "TERM_OWNER: job killed by owner.")
        start.says("engine 0 died: ", "LSF job 11 was killed by its owner")
        until(lambda: rc.ids == [])
    start.interrupt()


def test_what_the_page_says_of_a_profile(lsf: FakeScheduler, reader: Reader) -> None:
    reader.follows(PAGE, "lsf-profile")
    config = reader.profile("lsf").path / "ipcluster_config.py"
    reader.writes(PAGE, "lsf-config", config, after="c = get_config()\n")
    with config.open("a") as file:
        file.write("c.Cluster.controller_launcher_class = 'LSF'\n")
    [start] = reader.follows(PAGE, "lsf-with-profile")
    assert "#BSUB -J ipcontroller\n" in lsf.said("11.script")
    script = lsf.said("12.script")
    assert '#BSUB -q short\n#BSUB -W 1:30\n#BSUB -R "rusage[mem=4096]"\n#BSUB -J ipengine[1-2]\n' in script
    start.interrupt()
    assert lsf.pids(11) + lsf.pids(12) == []


def test_single_jobs_that_wait_say_why_and_a_stop_meanwhile_leaves_none(lsf: FakeScheduler, reader: Reader) -> None:
    lsf.say("hold", "The queue is inactivated by its administrator;")
    start = reader.types(f"{START} -n 2 --LSFLauncher.split=True")
    start.says("waiting: LSF job 1", " is queued: The queue is inactivated by its administrator\n")
    start.interrupt()
    lsf.release()
    assert lsf.pids(11) + lsf.pids(12) == []


def test_a_limit_that_is_hit_ends_the_start(lsf: FakeScheduler, reader: Reader) -> None:
    start = reader.types(f"{START} -n 1 {profile_of(reader, 'sleepy', running('sleep 60'))}")
    until(lambda: lsf.jobs() and lsf.pids(11))
    lsf.end(11, "TERM_RUNLIMIT: job killed after reaching LSF run time limit.")
    start.says("1 of 1 engines did not register: LSF job 11 reached its time limit (fix: set a longer timelimit")
    assert start.process.wait(SECONDS) != 0


@pytest.mark.parametrize(
    ("split", "end"),
    [("", "LSF job 11 (1 of its 3 tasks) failed with exit code 3"), ("--split", "LSF job 12 failed with exit code 3")],
)
def test_a_part_that_fails_ends_the_start_once_all_others_have_come(
    split: str, end: str, lsf: FakeScheduler, reader: Reader
) -> None:
    fails = running('case $LSB_JOBINDEX:$LSB_JOBID in 2:*|0:12) exit 3; esac; exec "$0" "$@"')
    start = reader.types(
        f"{START} -n 3 {split} {profile_of(reader, 'partly', fails, 'c.Cluster.engine_timeout = 600')}"
    )
    start.says("2 engines are ready", f"but 1 of 3 engines did not register: {end}")
    with Client(profile_dir=str(reader.profile("partly").path)) as rc:
        assert rc[:].apply_sync(int) == [0, 0]
    start.interrupt()
    assert [lsf.pids(job) for job in lsf.jobs()] == [[] for _ in lsf.jobs()]


def test_a_job_that_is_refused(reader: Reader) -> None:
    start = reader.types(f"{START} -n 1 --LSFLauncher.queue=nope")
    start.says(
        "LSF refused the job: nope: No such queue. Job not submitted. Fix: set `queue` to one that `bqueues` lists"
    )
    assert start.process.wait(SECONDS) != 0


def test_a_signal_to_a_job(lsf: FakeScheduler, tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    launcher = BatchLauncher(LSFEngineSetLauncher(), {})
    command = Command(
        role=ENGINE, name="e", argv=["sleep", "60"], profile_dir=str(tmp_path), log_file=str(tmp_path / "log" / "e.log")
    )

    async def story() -> str:
        handle = await launcher.start(command)
        await asyncio.to_thread(until, lambda: lsf.pids(11))
        await launcher.signal(handle, signal.SIGTERM)
        await asyncio.to_thread(until, lambda: not lsf.pids(11))
        status = await launcher.poll(handle)
        await launcher.stop(handle)
        return status.words

    assert asyncio.run(asyncio.wait_for(story(), SECONDS)).startswith("LSF job 11 was killed by signal 15")
