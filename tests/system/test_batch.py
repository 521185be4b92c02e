"""The launcher of batch systems, with the commands of a pretend Slurm."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engineroom.cluster.clearing.left_jobs import cancel_left_jobs
from engineroom.cluster.launchers.batch import BatchLauncher
from engineroom.cluster.launchers.jobs import board as job_board
from engineroom.cluster.launchers.jobs.commands import CommandTookTooLong, run
from engineroom.cluster.launchers.jobs.submission import JobIdNotFound, JobRefused
from engineroom.cluster.launchers.launcher import ENGINE, Command, State, Status
from engineroom.cluster.launchers.polling import Polling
from engineroom.cluster.records.job_records import HostJobs, JobRecord
from engineroom.errors import LaunchError
from engineroom.ids import new_instance
from engineroom.machine.processes import ProcessRecord
from engineroom.settings.launchers import SlurmEngineSetLauncher
from engineroom.settings.profiles import Profile
from engineroom.trail.launches import VARIABLE, Launch
from tests.patience import looks
from tests.system.conftest import until
from tests.system.fake_scheduler import FakeScheduler


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeScheduler:
    return FakeScheduler(tmp_path / "slurm", monkeypatch, "slurm", "sbatch", "srun", "squeue", "scontrol", "scancel")


@pytest.fixture
def command(profile: Profile) -> Command:
    """Return what starts two processes that do nothing."""
    profile.prepare()
    return Command(
        role=ENGINE,
        name="engines",
        argv=["sleep", "60"],
        n=2,
        environment={VARIABLE: str(Launch(new_instance(), "1"))},
        profile_dir=str(profile.path),
    )


def program(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def noted(profile: Profile) -> list[str]:
    """Return the ids in the files that a host leaves of its jobs."""
    return [job["job"] for path in profile.pid_dir.glob("jobs*") for job in json.loads(path.read_text())["jobs"]]


async def comes_to(state: State, ask: Callable[[], Awaitable[Status]]) -> Status:
    """Return the first status with `state`."""
    async for _ in looks():
        if (status := await ask()).state is state:
            break
    return status


def test_a_job_is_on_disk_before_its_start_returns_and_until_it_has_ended(
    command: Command, profile: Profile, slurm: FakeScheduler
) -> None:
    async def story() -> None:
        launcher = BatchLauncher(SlurmEngineSetLauncher(), {}, fresh=0.0)
        handle = await launcher.start(command)
        assert noted(profile) == handle["jobs"] == ["11"]
        assert json.loads(json.dumps(handle)) == handle
        await comes_to(State.RUNNING, lambda: launcher.poll(handle))
        await launcher.stop(handle)
        assert (await launcher.poll(handle)).state is State.ENDED

    asyncio.run(story())
    assert noted(profile) == []
    assert slurm.pids(11) == []


def test_one_query_is_for_all_jobs_of_all_launchers_of_a_host(
    command: Command, slurm: FakeScheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries: list[list[str]] = []
    run = job_board.run

    async def counting(argv: list[str]) -> Any:
        queries.append(argv)
        return await run(argv)

    monkeypatch.setattr(job_board, "run", counting)
    heard: list[Status | LaunchError] = []

    async def story() -> None:
        shared: dict[str, Any] = {}
        one, two = (BatchLauncher(SlurmEngineSetLauncher(split=True), shared) for _ in range(2))
        handles = [await one.start(command), await two.start(command)]
        polling = Polling.of(shared)
        watched = [polling.watch(*each, heard.append) for each in zip((one, two), handles, strict=True)]
        async for _ in looks():
            if len(heard) >= 6:
                break
        asked = [query for query in queries if query[0] == "squeue"]
        assert sorted(asked[-1][-1].removeprefix("--jobs=").split(",")) == ["11", "12", "13", "14"]
        assert len(asked) <= 4  # one for both of them, each time, and one that is under way
        for each in watched:
            polling.drop(each)
        for launcher, handle in zip((one, two), handles, strict=True):
            await launcher.stop(handle)

    asyncio.run(story())


def test_what_sbatch_prints_may_be_told_apart_by_the_site(
    command: Command, slurm: FakeScheduler, tmp_path: Path
) -> None:
    wrapped = program(tmp_path / "submit", 'echo "Hello 42"; sbatch "$@" | sed "s/.* /job=/"')

    async def story(**options: Any) -> list[str]:
        launcher = BatchLauncher(SlurmEngineSetLauncher(submit_command=[wrapped], **options), {})
        handle = await launcher.start(command)
        await launcher.stop(handle)
        return list(handle["jobs"])

    assert asyncio.run(story(job_id_regexp=r"job=(\d+)", job_id_regexp_group=1)) == ["11"]


def test_a_submit_command_that_prints_no_id(command: Command, profile: Profile, tmp_path: Path) -> None:
    silent = program(tmp_path / "submit", "echo fine")
    launcher = BatchLauncher(SlurmEngineSetLauncher(submit_command=[silent]), {})
    with pytest.raises(JobIdNotFound, match=r"printed no job id.*fine.*job_id_regexp"):
        asyncio.run(launcher.start(command))
    assert noted(profile) == []


def test_if_one_of_several_jobs_is_refused_none_is_left(
    command: Command, profile: Profile, slurm: FakeScheduler, tmp_path: Path
) -> None:
    taken = f'mkdir {tmp_path}/taken 2>/dev/null && exec sbatch "$@"'
    once = program(tmp_path / "submit", f'echo >>{tmp_path}/asked; {taken}; echo "too many jobs" >&2; exit 1')
    launcher = BatchLauncher(SlurmEngineSetLauncher(split=True, submit_command=[once]), {})
    words = r"Slurm refused the job: too many jobs \(.*\)\. 1 job that had been submitted before that was cancelled$"
    with pytest.raises(JobRefused, match=words):
        asyncio.run(launcher.start(msgspec.structs.replace(command, n=40)))
    assert slurm.jobs() == [11]
    assert slurm.pids(11) == []
    assert noted(profile) == []
    assert len((tmp_path / "asked").read_text().splitlines()) < 40  # nobody goes on asking


def test_jobs_of_a_refused_start_that_can_not_be_cancelled_are_named_and_stay_on_disk(
    command: Command, profile: Profile, slurm: FakeScheduler, tmp_path: Path
) -> None:
    once = program(tmp_path / "submit", f'mkdir {tmp_path}/taken && exec sbatch "$@"; echo "too many jobs" >&2; exit 1')
    options: dict[str, Any] = {"delete_command": ["false"], "stop_timeout": 0.2}
    launcher = BatchLauncher(SlurmEngineSetLauncher(split=True, submit_command=[once], **options), {}, fresh=0.0)
    with pytest.raises(JobRefused, match=r"too many jobs.* 1 job had been submitted .* cancel it by `false 11`"):
        asyncio.run(launcher.start(command))
    assert noted(profile) == ["11"]
    slurm.cancel(11)


def test_a_submit_command_that_complains_and_has_submitted(
    command: Command, slurm: FakeScheduler, tmp_path: Path
) -> None:
    grumpy = program(tmp_path / "submit", 'echo "3 nodes are down"; sbatch "$@"; echo "mail failed" >&2; exit 5')

    async def story() -> None:
        launcher = BatchLauncher(SlurmEngineSetLauncher(submit_command=[grumpy]), {}, fresh=0.0)
        handle = await launcher.start(command)
        assert handle["jobs"] == ["11"]
        await launcher.stop(handle)

    asyncio.run(story())


def test_a_submission_that_outlives_who_began_it(command: Command, profile: Profile, slurm: FakeScheduler) -> None:
    mark = "engineroom-0123456789ab"
    gone = msgspec.structs.replace(ProcessRecord.of_this_process(), start_time="0")
    record = JobRecord(system="Slurm", role=ENGINE, tag=mark, cancel=["scancel"], submitted=time.time())
    noted_there = msgspec.json.encode(HostJobs(cluster_id="", host="ab" * 16, process=gone, jobs=[record]))
    (profile.pid_dir / "jobs.abab.json").write_bytes(noted_there)
    script = profile.path / "script"
    script.write_text("#!/bin/sh\nsleep 60\n")
    with subprocess.Popen(["sh", "-c", 'sleep 0.5; exec "$0" "$@"', "sbatch", f"--comment={mark}", str(script)]):
        assert cancel_left_jobs(profile, "") == ["cancelled Slurm job 11"]
    assert slurm.pids(11) == []


def test_each_job_of_its_own_has_last_words_and_an_earlier_start_has_none(
    command: Command, slurm: FakeScheduler, tmp_path: Path
) -> None:
    log = tmp_path / "e.log"
    log.write_text("what an earlier one said\n")
    says = msgspec.structs.replace(command, argv=["sh", "-c", "echo no luck; exit 3"], log_file=str(log))

    async def words(launcher: BatchLauncher, command: Command) -> str:
        handle = await launcher.start(command)
        status = await comes_to(State.ENDED, lambda: launcher.poll(handle))
        await launcher.stop(handle)
        return status.words

    split = BatchLauncher(SlurmEngineSetLauncher(split=True), {}, fresh=0.0)
    assert asyncio.run(words(split, says)).endswith("failed with exit code 3; its last output: no luck")
    assert not log.read_text().endswith("no luck\n")
    silent = BatchLauncher(SlurmEngineSetLauncher(batch_template="#!/bin/sh\nexit 4\n"), {}, fresh=0.0)
    assert asyncio.run(words(silent, says)).endswith("failed with exit code 4")


def test_a_command_speaks_our_language_and_its_children_do_not_outlive_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    slow = program(tmp_path / "slow", f"sleep 60 & echo $! > {tmp_path}/child; wait")

    async def story() -> None:
        assert (await run(["sh", "-c", "echo $LC_ALL"])).output == "C\n"
        assert (await run(["sh", "-c", "echo $LC_ALL"], as_user=True)).output == "de_DE.UTF-8\n"
        asking = asyncio.ensure_future(run([slow], seconds=0.5))
        with pytest.raises(CommandTookTooLong, match=r"slow` did not end within 0.5 s"):
            await asking

    asyncio.run(story())  # and a fixture sees that nothing is left


def test_who_stops_while_a_job_is_submitted_leaves_none(
    command: Command, profile: Profile, slurm: FakeScheduler, tmp_path: Path
) -> None:
    slow = program(tmp_path / "submit", f'touch {tmp_path}/asked; sleep 0.3; exec sbatch "$@"')

    async def story() -> None:
        launcher = BatchLauncher(SlurmEngineSetLauncher(submit_command=[slow]), {})
        starting = asyncio.ensure_future(launcher.start(command))
        await asyncio.to_thread(until, (tmp_path / "asked").exists)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting

    asyncio.run(story())
    assert slurm.jobs() == [11]
    assert slurm.pids(11) == []
    assert noted(profile) == []


def test_jobs_that_do_not_end_are_named_with_what_to_do(
    command: Command, profile: Profile, slurm: FakeScheduler
) -> None:
    async def story() -> None:
        shared: dict[str, Any] = {}
        launcher = BatchLauncher(SlurmEngineSetLauncher(delete_command=["true"], stop_timeout=0.5), shared, fresh=0.0)
        handle = await launcher.start(command)
        with pytest.raises(LaunchError, match=r"Slurm has not ended job 11 within 0.5 s.*cancel it by `true 11`"):
            await launcher.stop(handle)
        assert noted(profile) == ["11"]
        await BatchLauncher(SlurmEngineSetLauncher(), shared, fresh=0.0).stop(handle)

    asyncio.run(story())


def test_a_system_that_does_not_answer_ends_nothing(
    command: Command, slurm: FakeScheduler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    down = 'echo "slurm_load_jobs error: Unable to contact slurm controller (connect failure)" >&2; exit 1'

    async def story() -> None:
        launcher = BatchLauncher(SlurmEngineSetLauncher(), {}, fresh=0.0)
        handle = await launcher.start(command)
        squeue = tmp_path / "slurm" / "bin" / "squeue"
        working = squeue.read_text()
        program(squeue, down)
        with pytest.raises(LaunchError, match=r"can't be asked about jobs.*Unable to contact"):
            await launcher.poll(handle)
        squeue.write_text(working)
        await comes_to(State.RUNNING, lambda: launcher.poll(handle))
        await launcher.stop(handle)

    asyncio.run(story())


def test_a_system_that_is_not_here(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(LaunchError, match="sbatch can't be run: no directory of"):
        asyncio.run(BatchLauncher(SlurmEngineSetLauncher(), {}).start(command))


def test_jobs_of_a_host_that_was_killed_are_cancelled_also_of_a_system_that_is_the_users_own(
    command: Command, profile: Profile, slurm: FakeScheduler, tmp_path: Path
) -> None:
    asyncio.run(BatchLauncher(SlurmEngineSetLauncher(), {}).start(command))
    own = program(tmp_path / "kill", f'echo "$@" >> {tmp_path}/killed')
    [path] = profile.pid_dir.glob("jobs*")
    noted_there = json.loads(path.read_text())
    assert cancel_left_jobs(profile, "") == []  # its host lives: it is us
    noted_there["process"]["start_time"] = "0"
    noted_there["jobs"].append({"system": "Fleet", "role": "engine", "job": "f-7", "cancel": [own]})
    path.write_text(json.dumps(noted_there))
    assert cancel_left_jobs(profile, "another") == []
    assert cancel_left_jobs(profile, "") == ["cancelled Slurm job 11", "cancelled Fleet job f-7"]
    assert slurm.pids(11) == []
    assert (tmp_path / "killed").read_text() == "f-7\n"
    assert not path.exists()


def test_a_start_cancels_what_an_earlier_one_that_was_killed_has_left(
    command: Command, profile: Profile, slurm: FakeScheduler
) -> None:
    async def story() -> None:
        await BatchLauncher(SlurmEngineSetLauncher(), {}).start(command)
        [path] = profile.pid_dir.glob("jobs*")
        path.write_text(path.read_text().replace('"start_time":"', '"start_time":"1'))
        launcher = BatchLauncher(SlurmEngineSetLauncher(), {})
        again = {VARIABLE: str(Launch(new_instance(), "1"))}
        handle = await launcher.start(msgspec.structs.replace(command, environment=again))
        assert slurm.pids(11) == []
        assert noted(profile) == handle["jobs"] == ["12"]
        await launcher.stop(handle)

    asyncio.run(story())
