"""Engines as jobs of Grid Engine."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from engineroom import Client, Cluster, LaunchError
from tests.patience import SECONDS
from tests.reader import Reader
from tests.real.sge import GridEngine
from tests.system.conftest import until
from tests.system.fake_scheduler import profile_of, running

PAGE = "starting/grid-engine.md"
CONFIG = "ipcluster_config.py"


@pytest.fixture(scope="module")
def cell() -> Iterator[GridEngine]:
    made = GridEngine()
    made.start()
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def grid_engine(cell: GridEngine, monkeypatch: pytest.MonkeyPatch) -> Iterator[GridEngine]:
    """Have the commands on PATH mean our cell; fail a test that leaves a job there."""
    for name, value in cell.environment.items():
        monkeypatch.setenv(name, value)
    yield cell
    left = cell.jobs()
    for job in left:
        cell.run("qdel", job)
    assert not left


@pytest.fixture
def mpi_programs(mpi: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a directory for PATH where mpiexec is Open MPI's, and asks Grid Engine where its ranks are to be."""
    for name in ("OMPI_MCA_plm", "OMPI_MCA_ras", "OMPI_MCA_rmaps_base_oversubscribe"):
        monkeypatch.delenv(name)
    place = tmp_path / "mpi"
    place.mkdir()
    (place / "mpiexec").symlink_to(shutil.which("mpiexec.openmpi") or "")
    return str(place)


def tasks_of(rc: Client) -> list[tuple[str, str]]:
    """Return job and task of each engine."""
    rc[:].execute("import os; task = os.environ['JOB_ID'], os.environ['SGE_TASK_ID']", block=True)
    found: list[tuple[str, str]] = rc[:]["task"]
    return found


def test_an_array_without_keys_in_what_everybody_sees(grid_engine: GridEngine, reader: Reader) -> None:
    reader.follows(PAGE, "sge-dry-run")
    assert grid_engine.jobs() == []
    [start] = reader.follows(PAGE, "sge-start")
    with Client(profile_dir=str(reader.profile().path)) as rc:
        tasks = tasks_of(rc)
        [job] = {job for job, _ in tasks}
        assert sorted(number for _, number in tasks) == ["1", "2", "3"]
        with pytest.raises(LaunchError, match="Grid Engine has no command that sends signals to jobs: if your site"):
            Cluster.from_file(profile_dir=reader.profile().path).signal_engines_sync(signal.SIGINT)
        seen = grid_engine.run("qstat", "-j", job).stdout
        seen += next(reader.profile().path.glob("grid_engine_engines*")).read_text()
        for file in reader.profile().security_dir.glob("ipcontroller-*.json"):
            keys = [value for name, value in json.loads(file.read_text()).items() if "key" in name]
            assert keys
            assert not [key for key in keys if key in seen]
        grid_engine.run("qdel", job)
        start.says("engine 0 died: ", f"Grid Engine job {job} was killed by SIGKILL (by qdel, or on its machine)")
        until(lambda: rc.ids == [])
    start.interrupt()


def test_engines_that_are_jobs_of_their_own_and_reach_their_limit(grid_engine: GridEngine, reader: Reader) -> None:
    reader.follows(PAGE, "sge-profile")
    config = reader.writes(PAGE, "sge-config", reader.profile("sge").path / CONFIG, after="c = get_config()\n")
    with config.open("a") as file:
        file.write("c.SGELauncher.split = True\nc.SGEEngineSetLauncher.timelimit = '0:0:20'\n")
        file.write("c.Cluster.controller_launcher_class = 'SGE'\n")
    [start] = reader.follows(PAGE, "sge-with-profile")
    assert len(grid_engine.jobs()) == 3  # one of them is the controller
    start.says("reached its time limit")
    start.interrupt()


def test_a_script_of_the_users_own_and_jobs_that_end_when_the_cluster_is_killed(
    grid_engine: GridEngine, reader: Reader
) -> None:
    profile = reader.profile()
    profile.path.mkdir(parents=True)
    (profile.path / "ipengine_config.py").write_text("c.IPEngine.reconnect_timeout = 2\n")
    reader.writes(PAGE, "sge-template", "sge.engine.template")
    [start] = reader.follows(PAGE, "sge-with-template")
    with Client(profile_dir=str(profile.path)) as rc:
        assert {number for _, number in tasks_of(rc)} == {"undefined"}
    os.kill(json.loads(profile.pid_file("ipcluster").read_text())["pid"], signal.SIGKILL)
    start.process.wait(SECONDS)
    until(lambda: not grid_engine.jobs())


def test_a_task_that_fails_ends_the_start_once_all_others_have_come(reader: Reader) -> None:
    profile = profile_of(
        reader,
        "partly",
        running('[ "$SGE_TASK_ID" = 2 ] && exit 3; exec "$0" "$@"'),
        "c.Cluster.engine_timeout = 600",
    )
    start = reader.types(f"ipcluster start --engines=SGE -n 3 {profile}")
    start.says("2 engines are ready", "but 1 of 3 engines did not register: Grid Engine job ")
    start.says(" (1 of its 3 tasks) failed with exit code 3")
    start.interrupt()


def test_mpi_in_a_job_by_the_script_of_the_page(grid_engine: GridEngine, mpi_programs: str, reader: Reader) -> None:
    reader.environment["PATH"] = f"{mpi_programs}{os.pathsep}{reader.environment['PATH']}"
    reader.writes(PAGE, "sge-mpi-template", "sge.mpi.template")
    [start] = reader.follows(PAGE, "sge-with-mpi")
    with Client(profile_dir=str(reader.profile().path)) as rc:
        names = ("JOB_ID", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "PE")
        [jobs, sizes, ranks, environments] = [rc[:].apply_sync(os.getenv, name) for name in names]
        assert [*set(jobs)] == grid_engine.jobs()
        assert (sizes, sorted(ranks), environments) == (["3"] * 3, ["0", "1", "2"], ["mpi"] * 3)
    start.interrupt()


def test_what_is_refused_says_why_and_what_to_do(reader: Reader) -> None:
    start = reader.types("ipcluster start --engines=SGE -n 2 --SGELauncher.queue=nope.q")
    start.says('requests unknown queue "nope.q"', "Fix: set `queue` to one that `qconf -sql` lists")
    assert start.process.wait(SECONDS) != 0


def test_each_trouble_is_said_in_words(reader: Reader) -> None:
    never = "c.SGEEngineSetLauncher.engine_cmd = ['sh', '-c', 'sleep 60']\nc.SGELauncher.timelimit = '0:0:1'\n"
    late = reader.profile("late").path
    late.mkdir(parents=True)
    (late / CONFIG).write_text(never)
    start = "ipcluster start --engines=SGE"
    full = reader.types(f"{start} --profile=full -n 2 --SGELauncher.queue=tiny.q")
    broken = reader.types(f"{start} --profile=broken -n 1 --SGELauncher.output_file=/nowhere/at/all")
    ended = reader.types(f"{start} --profile=late -n 1")
    full.says("waiting: Grid Engine job ", " is queued: tiny.q@", " is full")
    broken.says("in error: can't open output file", "then `qmod -cj ")
    ended.says("1 of 1 engines did not register: Grid Engine job ", "reached its time limit")
    assert ended.process.wait(SECONDS) != 0
    why = reader.types("ipcluster why --profile=late || test $? = 1")
    why.says("engine set 1: ", "reached its time limit", "fix: ")
    full.interrupt()
    broken.interrupt()


def test_a_profile_with_blanks_commas_and_colons_in_its_path(grid_engine: GridEngine, tmp_path: Path) -> None:
    place = tmp_path / "it's a b, c: d" / "profile"
    with Cluster(profile_dir=place, engines="SGE", n=2, cluster_id="odd") as rc:
        assert rc.ids == [0, 1]
        rc[:].execute("import os; os.write(1, b'said by C\\n')", block=True)
        logs = [path.name for path in (place / "log").glob("ipengines-odd-1.log*")]
        assert sorted(logs) == ["ipengines-odd-1.log.1", "ipengines-odd-1.log.2"]
