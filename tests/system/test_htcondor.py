"""HTCondor: driven by commands that answer as the manuals say, and really run the jobs."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from engineroom import Client, Cluster, LaunchError
from tests.patience import SECONDS
from tests.reader import Reader
from tests.system.conftest import until
from tests.system.fake_scheduler import FakeScheduler, profile_of, running

PAGE = "starting/htcondor.md"
START = "ipcluster start --engines=HTCondor"
COMMANDS = ("condor_submit", "condor_q", "condor_history", "condor_rm")


@pytest.fixture
def condor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeScheduler:
    return FakeScheduler(tmp_path / "condor", monkeypatch, "htcondor", *COMMANDS)


@pytest.fixture
def reader(condor: FakeScheduler, reader: Reader) -> Reader:
    return condor.serves(reader)


def test_a_process_for_each_engine_and_an_end_that_is_told(condor: FakeScheduler, reader: Reader) -> None:
    [start] = reader.follows(PAGE, "htcondor-start")
    assert condor.jobs() == [11]
    with Client(profile_dir=str(reader.profile().path)) as rc:
        rc[:].execute("import os; pid = os.getpid()", block=True)
        assert sorted(rc[:]["pid"]) == sorted(condor.pids(11))
        with pytest.raises(LaunchError, match="engine set 1 got no signal: HTCondor has no command that sends signals"):
            Cluster.from_file(profile_dir=reader.profile().path).signal_engines_sync(signal.SIGINT)
        for pid in condor.pids(11):
            os.kill(pid, signal.SIGKILL)
        start.says("engine 0 died: ", "HTCondor job 11 was killed by signal 9")
    start.interrupt()


def test_what_the_page_says_of_a_profile(condor: FakeScheduler, reader: Reader) -> None:
    reader.follows(PAGE, "htcondor-profile")
    config = reader.profile("condor").path / "ipcluster_config.py"
    reader.writes(PAGE, "htcondor-config", config, after="c = get_config()\n")
    with config.open("a") as file:
        file.write("c.Cluster.controller_launcher_class = 'HTCondor'\n")
    [start] = reader.follows(PAGE, "htcondor-with-profile")
    text = next(reader.profile("condor").path.glob("htcondor_engines*")).read_text()
    assert "EnteredCurrentStatus > 5400\nrequest_memory = 4GB\nrequirements = OpSysMajorVer >= 9\n" in text
    assert [len(condor.pids(job)) for job in (11, 12)] == [1, 2]
    start.interrupt()
    assert condor.pids(11) + condor.pids(12) == []


def test_jobs_that_are_held_say_why_and_a_stop_meanwhile_leaves_none(condor: FakeScheduler, reader: Reader) -> None:
    condor.say("held", "Failed to open 'x' as standard error: No space left on device")
    start = reader.types(f"{START} -n 2")
    start.says("is queued: it is held: Failed to open 'x' as standard error", "`condor_release 11`")
    start.interrupt()
    condor.release()
    assert condor.pids(11) == []


def test_a_limit_that_is_hit_ends_the_start(condor: FakeScheduler, reader: Reader) -> None:
    start = reader.types(f"{START} -n 1 {profile_of(reader, 'sleepy', running('sleep 60'))}")
    until(lambda: condor.jobs() and condor.pids(11))
    condor.end(11, "The job attribute PeriodicRemove expression 'JobStatus == 2' evaluated to TRUE")
    start.says("1 of 1 engines did not register: HTCondor job 11 reached its time limit")
    assert start.process.wait(SECONDS) != 0


def test_a_job_that_is_refused(reader: Reader) -> None:
    start = reader.types(f"{START} -n 1 --HTCondorEngineSetLauncher.engine_cmd=/nowhere/ipengine")
    start.says('HTCondor refused the job: ERROR: Executable file "/nowhere/ipengine" is not there. Fix: check that')
    assert start.process.wait(SECONDS) != 0
