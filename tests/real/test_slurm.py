"""Engines, and controllers, in jobs of a real Slurm."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

import engineroom as er
from engineroom.cluster.records.job_records import HostJobs, JobRecord
from engineroom.cluster.records.leftovers import control_socket
from engineroom.errors import LaunchError, RemoteError
from engineroom.machine.processes import ProcessRecord
from engineroom.settings.profiles import Profile
from engineroom.trail.steps import QUEUED, SUBMITTED, read_steps
from tests.patience import SECONDS
from tests.processes import descendants, kill_each
from tests.real.slurm import Slurm
from tests.system.conftest import Command, until

Start = Callable[..., Command]


def configure(profile: Profile, *lines: str) -> None:
    profile.path.mkdir(parents=True, exist_ok=True)
    every = ["c.Cluster.engine_launcher_class = 'Slurm'", *lines]
    (profile.path / "ipcluster_config.py").write_text("\n".join(every) + "\n")


def says(command: Command, words: str) -> None:
    until(lambda: words in command.output or command.process.poll() is not None)
    assert words in command.output, command.output


def keys(profile: Profile) -> list[str]:
    files = profile.security_dir.glob("ipcontroller-*.json")
    return [json.loads(file.read_text())["exec_key"] for file in files]


def records(profile: Profile) -> list[Path]:
    return list(profile.pid_dir.glob("jobs*"))


def kill(profile: Profile, program: str, signum: int = signal.SIGKILL) -> None:
    os.kill(json.loads(profile.pid_file(program).read_text())["pid"], signum)


def hold_all_nodes(slurm: Slurm) -> str:
    return slurm.run(
        "sbatch", "--parsable", "--exclusive", "--nodes=3", "--output=/dev/null", "--wrap=exec sleep 600"
    ).strip()


def test_engines_are_tasks_of_one_job_and_no_key_is_seen(command: Start, profile: Profile, slurm: Slurm) -> None:
    configure(profile)
    started = command("ipcluster", "start", "-n", "4")
    says(started, "4 engines are ready")
    with er.Client() as rc:
        ranks = rc[:].apply_sync(os.getenv, "SLURM_PROCID")
        assert sorted(ranks) == ["0", "1", "2", "3"]
        asleep = rc[0].execute("print('asleep'); __import__('threading').Event().wait(600)", block=False)
        until(lambda: "asleep" in asleep.stdout)
        er.Cluster.from_file().signal_engines_sync(signal.SIGINT)
        with pytest.raises(RemoteError, match="KeyboardInterrupt"):
            asleep.get(timeout=SECONDS)
        assert rc[:].apply_sync(os.getenv, "SLURM_PROCID") == ranks
        rc[3].apply_async(os._exit, 7)
        says(started, "engine 3 died")
        assert rc[:3].apply_sync(os.getenv, "SLURM_PROCID") == ranks[:3]
    (job,) = slurm.jobs()
    script = profile.path / "slurm_engines-1"
    assert script.stat().st_mode & 0o777 == 0o700
    dry = command("ipcluster", "start", "-n", "4", "--dry-run").succeeds()
    seen = [
        slurm.run("scontrol", "--details", "show", "job", job),
        slurm.run("scontrol", "write", "batch_script", job, "-"),
        script.read_text(),
        dry.output,
        started.output,
        *(path.read_text() for path in profile.log_dir.iterdir()),
    ]
    assert all(seen[:5])
    assert len(set(keys(profile))) == 2
    assert not [text for text in seen for key in keys(profile) if key in text]
    command("ipcluster", "stop").succeeds()
    assert slurm.jobs() == []
    assert started.ends() == 0
    assert not script.exists()
    assert list(profile.pid_dir.iterdir()) == []


def test_a_queue_that_is_full_is_waited_for_with_its_reason(profile: Profile, slurm: Slurm, command: Start) -> None:
    configure(profile)
    filler = hold_all_nodes(slurm)
    started = command("ipcluster", "start", "-n", "2")
    says(started, "is queued: Resources (the nodes that it needs are busy)")
    slurm.run("scancel", filler)
    says(started, "2 engines are ready")
    steps = [(step.step, step.ok) for step in read_steps(profile.steps_file())]
    assert {(SUBMITTED, True), (QUEUED, True)} <= set(steps)
    started.signal(signal.SIGINT)
    assert started.ends() == 0
    assert slurm.jobs() == []


def test_a_refused_job_ends_the_start_in_slurms_words(profile: Profile, slurm: Slurm) -> None:
    configure(profile, "c.SlurmLauncher.queue = 'nosuch'")
    cluster = er.Cluster(n=1)
    with pytest.raises(LaunchError, match=r"(?s)invalid partition specified: nosuch.*`sinfo` lists"):
        cluster.start_cluster_sync()
    assert slurm.jobs() == []


def test_a_job_that_is_cancelled_while_it_waits_ends_the_start(profile: Profile, slurm: Slurm, command: Start) -> None:
    configure(profile)
    filler = hold_all_nodes(slurm)
    started = command("ipcluster", "start", "-n", "2")
    says(started, "is queued")
    (waiting,) = set(slurm.jobs()) - {filler}
    slurm.run("scancel", waiting, filler)
    assert started.ends() == 1
    assert f"Slurm job {waiting} was cancelled" in started.output


def test_a_job_that_fails_ends_the_start_with_its_exit_code_and_last_words(profile: Profile, slurm: Slurm) -> None:
    configure(profile, "c.EngineLauncher.engine_cmd = ['no-such-engine']")
    cluster = er.Cluster(n=1)
    with pytest.raises(LaunchError, match=r"(?s)Slurm job \d+ failed with exit code.*no-such-engine"):
        cluster.start_cluster_sync()


def test_a_task_that_fails_ends_the_start_once_all_others_have_come(
    profile: Profile, slurm: Slurm, command: Start
) -> None:
    fails = f'[ $SLURM_PROCID = 1 ] && exit 3; exec {sys.executable} -m engineroom.cli.ipengine "$0" "$@"'
    configure(profile, f"c.EngineLauncher.engine_cmd = {['sh', '-c', fails]!r}", "c.Cluster.engine_timeout = 600")
    started = command("ipcluster", "start", "-n", "3")
    says(started, "2 engines are ready")
    (job,) = slurm.jobs()
    words = f"Slurm job {job} (1 of its 3 tasks) ended: exited with exit code 3"
    says(started, f"but 1 of 3 engines did not register: {words}")
    started.signal(signal.SIGINT)
    assert started.ends() == 0


def test_engines_whose_job_is_cancelled_are_reported(profile: Profile, slurm: Slurm, command: Start) -> None:
    configure(profile)
    started = command("ipcluster", "start", "-n", "2")
    says(started, "2 engines are ready")
    slurm.run("scancel", *slurm.jobs())
    says(started, "engine 1 died")
    says(started, "was cancelled")
    started.signal(signal.SIGTERM)
    assert started.ends() == 0


def test_engines_as_jobs_of_their_own_and_as_an_array(profile: Profile, slurm: Slurm) -> None:
    configure(profile)
    with er.Cluster(n=3, split=True) as rc:
        assert len(set(rc[:].apply_sync(os.getenv, "SLURM_JOB_ID"))) == 3
    assert slurm.jobs() == []
    configure(
        profile,
        "c.SlurmEngineSetLauncher.batch_template = '''#!/bin/sh",
        "#SBATCH --array=1-{n} --output=/dev/null --job-name=mine",
        "{program_and_args}",
        "'''",
    )
    with er.Cluster(n=3) as rc:
        assert sorted(rc[:].apply_sync(os.getenv, "SLURM_ARRAY_TASK_ID")) == ["1", "2", "3"]
    assert slurm.jobs() == []


@pytest.mark.parametrize("lost", ["the process", "the machine"])
def test_the_controller_in_a_job_of_a_host_that_is_lost(
    lost: str, profile: Profile, slurm: Slurm, command: Start
) -> None:
    configure(profile, "c.Cluster.controller_launcher_class = 'Slurm'")
    lease = 2 if lost == "the machine" else 600
    started = command("ipcluster", "start", "-n", "2", "--", "--ip=*", f"--lease={lease}")
    says(started, "2 engines are ready")
    with er.Client() as rc:
        assert rc[:].apply_sync(lambda: 1) == [1, 1]
    assert len(slurm.jobs()) == 2
    if lost == "the machine":
        family = descendants(started.process.pid)
        kill_each(child for child, title in family if "engineroom.cluster.clearing.sweeper" in title)
    kill(profile, "ipcluster")
    until(lambda: slurm.jobs() == [])
    until(lambda: not list(profile.pid_dir.iterdir()))
    assert keys(profile) == []
    until(lambda: not control_socket(profile, "").exists() and not profile.cluster_file("").exists())
    assert command("ipcluster", "clean").succeeds()


def test_a_stopped_cluster_leaves_neither_job_nor_file_of_its_controller(profile: Profile, slurm: Slurm) -> None:
    configure(profile, "c.Cluster.controller_launcher_class = 'Slurm'")
    with er.Cluster(n=1, cluster_id="c") as rc:
        assert rc.ids == [0]
    assert slurm.jobs() == []
    assert list(profile.pid_dir.iterdir()) == []
    assert list(profile.security_dir.glob("*.json")) == []


def test_killing_the_host_cancels_what_runs_and_what_waits(profile: Profile, slurm: Slurm, command: Start) -> None:
    configure(profile)
    filler = hold_all_nodes(slurm)
    started = command("ipcluster", "start", "-n", "2")
    says(started, "is queued")
    assert len(slurm.jobs()) == 2
    kill(profile, "ipcluster")
    until(lambda: slurm.jobs() == [filler])
    slurm.run("scancel", filler)
    until(lambda: not records(profile))


def test_stop_cancels_jobs_of_a_cluster_that_was_killed_as_a_whole(
    profile: Profile, slurm: Slurm, command: Start
) -> None:
    configure(profile)
    started = command("ipcluster", "start", "-n", "2")
    says(started, "2 engines are ready")
    (job,) = slurm.jobs()
    kill(profile, "ipcluster", signal.SIGSTOP)  # so that it has no time to restart what is killed now
    kill(profile, "ipcontroller")
    kill(profile, "ipcluster")
    assert slurm.jobs() == [job]
    stopped = command("ipcluster", "stop").succeeds()
    assert f"cancelled Slurm job {job}" in stopped.output
    assert slurm.jobs() == []
    assert records(profile) == []


def test_a_job_whose_id_nobody_had_time_to_note_is_found_by_its_mark(
    profile: Profile, slurm: Slurm, command: Start
) -> None:
    profile.prepare()
    mark = "engineroom-0123456789ab"
    # `exec`: Slurm kills the processes that it finds, and a shell just killed might have forked its child in between.
    job = slurm.run("sbatch", "--parsable", f"--comment={mark}", "--output=/dev/null", "--wrap=exec sleep 600").strip()
    killed = msgspec.structs.replace(ProcessRecord.of_this_process(), start_time="0")
    record = JobRecord(system="Slurm", role="engine", tag=mark, cancel=["scancel"])
    found = HostJobs(cluster_id="", host="ab" * 16, process=killed, jobs=[record])
    (profile.pid_dir / "jobs.abab.json").write_bytes(msgspec.json.encode(found))
    assert f"cancelled Slurm job {job}" in command("ipcluster", "clean").succeeds().output
    assert slurm.jobs() == []


def test_engines_of_an_ipcluster_engines_that_is_killed_end_with_the_lease(
    profile: Profile, slurm: Slurm, command: Start
) -> None:
    configure(profile)
    command("ipcluster", "start", "-n", "1", "--engines=Local", "--ip=*", "--daemonize", "--", "--lease=1").succeeds()
    more = command("ipcluster", "engines", "-n", "2")
    says(more, "2 engines are ready")
    with er.Client() as rc:
        assert len(rc.ids) == 3
        more.signal(signal.SIGKILL)
        until(lambda: len(rc.ids) == 1)
    until(lambda: slurm.jobs() == [])
    assert len(records(profile)) == 1
    command("ipcluster", "stop").succeeds()
    assert records(profile) == []


def test_templates_are_found_beside_the_user_then_in_the_profile(
    profile: Profile, slurm: Slurm, command: Start, tmp_path: Path
) -> None:
    configure(profile, "c.SlurmEngineSetLauncher.batch_template_file = 'my.template'")
    refused = command("ipcluster", "start", "-n", "2", cwd=tmp_path)
    assert refused.ends() == 1
    assert str(tmp_path / "my.template") in refused.output
    assert str(profile.path / "my.template") in refused.output
    (profile.path / "my.template").write_text(
        "#SBATCH --ntasks={n} --output=/dev/null\nexport WHO=${USER:-me}-{queue}\nexport PATH={bin}:$PATH\n"
        "export IPYTHONDIR=/nonexistent\nsrun ipengine\n"  # which cluster it belongs to it has been told
    )
    programs = f"--SlurmLauncher.namespace=bin={Path(sys.executable).parent}"
    started = command("ipcluster", "start", "-n", "2", "--SlurmLauncher.queue=debug", programs, cwd=tmp_path)
    says(started, "2 engines are ready")
    with er.Client() as rc:
        assert rc[0].apply_sync(os.getenv, "WHO").endswith("-debug")
    started.signal(signal.SIGINT)
    assert started.ends() == 0
