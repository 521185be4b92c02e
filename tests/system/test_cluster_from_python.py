"""`Cluster`: what a script or a notebook does with it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from traitlets.config import Config

from engineroom import Client, Cluster, EngineError, LaunchError
from engineroom.cluster import ClusterManager
from engineroom.cluster.line.errors import CouldNotStart
from engineroom.cluster.records.cluster_file import NoCluster
from engineroom.cluster.records.pid_records import AlreadyRunning
from engineroom.settings.option import OptionError
from engineroom.settings.profiles import Profile
from tests.system.conftest import SECONDS, answers, processes_of_this_run, until


@pytest.fixture
def running(profile: Profile) -> Iterator[Cluster]:
    cluster = Cluster(n=2, profile_dir=profile.path)
    cluster.start_cluster_sync()
    yield cluster
    cluster.stop_cluster_sync()


def files_of(profile: Profile) -> list[str]:
    return sorted(path.name for path in (*profile.pid_dir.glob("*"), *profile.security_dir.glob("*")))


def test_as_a_context_manager(profile: Profile) -> None:
    with Cluster(n=2) as rc:
        assert rc.ids == [0, 1]
        assert rc[:].apply_sync(os.getppid) != [os.getpid()] * 2
    assert files_of(profile) == []


def test_as_an_async_context_manager(profile: Profile) -> None:
    async def use() -> list[int]:
        async with Cluster(n=2) as rc:
            assert await rc[0].apply_async(lambda x: x + 1, 1) == 2
            return rc.ids

    assert asyncio.run(use()) == [0, 1]
    assert files_of(profile) == []


def test_blocking_calls_work_where_a_loop_runs_as_in_a_notebook(profile: Profile) -> None:
    async def cell() -> list[int]:
        with Cluster(n=1) as rc:
            return rc.ids

    assert asyncio.run(cell()) == [0]


def test_in_a_thread_that_ends_the_cluster_goes_on(profile: Profile) -> None:
    cluster = Cluster(n=1)
    thread = threading.Thread(target=cluster.start_cluster_sync)
    thread.start()
    thread.join()
    with cluster.connect_client_sync() as rc:
        assert rc[0].apply_sync(lambda: 7) == 7
    cluster.stop_cluster_sync()


def test_clusters_run_side_by_side(profile: Profile) -> None:
    with Cluster(n=1) as one, Cluster(n=1) as other:
        one[:].push({"a": 1})
        other[:].push({"a": 2})
        assert (one[0]["a"], other[0]["a"]) == (1, 2)


def test_engines_have_the_directory_and_modules_of_the_caller(profile: Profile, tmp_path: Path) -> None:
    (tmp_path / "beside_the_script.py").write_text("def answer(): return 42\n")
    (tmp_path / "script.py").write_text(
        "import os, engineroom, beside_the_script\n"
        "with engineroom.Cluster(n=1) as rc:\n"
        "    print(rc[0].apply_sync(beside_the_script.answer), rc[0].apply_sync(os.getcwd) == os.getcwd())\n"
    )
    ran = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.stdout == "42 True\n", ran.stderr


def test_a_file_called_like_a_standard_module_is_not_ours(profile: Profile, tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('not the real one')\n")
    cluster = Cluster(n=1)
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        with cluster as rc:
            assert rc.ids == [0]
    finally:
        os.chdir(before)


def test_each_engine_has_its_share_of_threads_unless_told(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    def threads() -> tuple[str | None, str | None]:
        return os.environ.get("OMP_NUM_THREADS"), os.environ.get("MKL_NUM_THREADS")

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with Cluster(n=len(os.sched_getaffinity(0))) as rc:
        assert rc[0].apply_sync(threads) == ("1", "1")
    monkeypatch.setenv("MKL_NUM_THREADS", "5")
    with Cluster(n=1, engine_environment={"OMP_NUM_THREADS": "3"}) as rc:
        assert rc[0].apply_sync(threads) == ("3", "5")


def test_engines_in_sets(running: Cluster) -> None:
    with running.connect_client_sync() as rc:
        name = running.start_engines_sync(2)
        assert rc.ids == [0, 1, 2, 3]
        assert {key: one["n"] for key, one in running.engines.items()} == {"1": 2, name: 2}
        running.stop_engines_sync(name)
        assert rc.ids == [0, 1]
        with pytest.raises(LaunchError, match="no engine set 'none'"):
            running.stop_engines_sync("none")


def test_restarted_engines_keep_their_ids_and_lose_their_names(running: Cluster) -> None:
    with running.connect_client_sync() as rc:
        rc[:].push({"a": 1})
        before = rc[:].apply_sync(os.getpid)
        running.restart_engines_sync()
        assert set(rc[:].apply_sync(os.getpid)).isdisjoint(before)
        assert rc.ids == [0, 1]
        assert rc[0].apply_sync(lambda: "a" in globals()) is False


def test_its_clients_know_which_engines_there_are_when_it_returns(running: Cluster) -> None:
    with running.connect_client_sync() as rc, running.connect_client_sync() as other:
        for _ in range(5):
            running.restart_engines_sync()
            assert rc.ids == other.ids == [0, 1]
        more = running.start_engines_sync(2)
        assert rc.ids == other.ids == [0, 1, 2, 3]
        running.stop_engines_sync(more)
        assert rc.ids == other.ids == [0, 1]
        running.restart_engine_sync(0)
        assert rc.ids == other.ids == [0, 1]
        running.stop_engine_sync(1)
        assert rc.ids == other.ids == [0]
    running.restart_engines_sync()  # nobody waits for clients that are closed


def test_signalled_engines_say_what_they_died_of_and_are_started_again(running: Cluster) -> None:
    with running.connect_client_sync() as rc:
        with pytest.raises(LaunchError, match="there is no engine set 'nope'; the sets are: "):
            running.signal_engines_sync(signal.SIGKILL, "nope")
        before = rc[:].apply_sync(os.getpid)
        running.signal_engines_sync(signal.SIGKILL)
        until(lambda: set(answers(rc, [0, 1], os.getpid)).isdisjoint(before))
        log_file = running._profile.log_file("ipcluster", running.cluster_id)
        until(lambda: "killed by SIGKILL" in log_file.read_text())


def test_a_task_on_an_engine_that_dies_fails_with_the_cause(running: Cluster) -> None:
    with running.connect_client_sync() as rc:
        doomed = rc[0].apply_async(lambda: os.kill(os.getpid(), signal.SIGKILL))
        with pytest.raises(EngineError, match="SIGKILL"):
            doomed.get(timeout=SECONDS)


def test_another_process_finds_it_by_its_file(running: Cluster, profile: Profile) -> None:
    found = Cluster.from_file(profile_dir=profile.path, cluster_id=running.cluster_id)
    assert found.running
    assert found.n == 2
    assert Cluster.from_file(running.cluster_file).to_dict() == found.to_dict()
    values = json.loads(running.cluster_file.read_text())
    assert values["cluster"]["cluster_id"] == running.cluster_id
    assert sorted(values["engines"]["sets"]["1"]["engines"]) == ["0", "1"]
    [known] = ClusterManager().load_clusters(profile_dir=profile.path).values()
    assert known.cluster_id == running.cluster_id
    found.stop_cluster_sync()
    until(lambda: not running.running)
    with pytest.raises(NoCluster):
        Cluster.from_file(running.cluster_file)


def test_a_cluster_file_of_ones_own(profile: Profile, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    cluster = Cluster(n=1, cluster_file=path)
    cluster.start_cluster_sync()
    with Cluster.from_file(path).connect_client_sync() as rc:
        assert rc.ids == [0]
    cluster.stop_cluster_sync()
    assert not path.exists()


def test_a_cluster_id_that_is_taken(running: Cluster, profile: Profile) -> None:
    with pytest.raises(CouldNotStart, match="is already running") as caught:
        Cluster(n=1, profile_dir=profile.path, cluster_id=running.cluster_id).start_cluster_sync()
    assert caught.value.code == AlreadyRunning.code


def test_what_stops_a_start_is_the_error(profile: Profile) -> None:
    config = Config({"IPEngine": {"startup_command": "import os; os._exit(3)"}})
    with pytest.raises(CouldNotStart, match=r"did not register: .*exit code 3"):
        Cluster(n=1, config=config).start_cluster_sync()
    assert files_of(profile) == []


@pytest.mark.parametrize("options", [{"nn": 4}, {"n": "many"}, {"controller_args": ["--portz=3"]}])
def test_options_that_make_no_sense(profile: Profile, options: dict[str, object]) -> None:
    with pytest.raises(OptionError, match=r"nn|many|portz"):
        Cluster(**options).start_cluster_sync()


SCRIPT = """
import engineroom, os, sys
cluster = engineroom.Cluster(n=2, cluster_id="it", shutdown_atexit={at_exit})
rc = cluster.start_and_connect_sync()
print("ready", flush=True)
{end}
"""


@pytest.mark.parametrize(
    "end", ["sys.exit(3)", "os.kill(os.getpid(), 9)", "os._exit(1)", "raise RuntimeError", "os.fork() or os._exit(0)"]
)
def test_nothing_outlives_its_owner(profile: Profile, end: str) -> None:
    script = SCRIPT.format(at_exit=True, end=end)
    subprocess.run([sys.executable, "-c", script], capture_output=True, check=False, timeout=SECONDS)
    until(lambda: not [title for title in processes_of_this_run().values() if "[it]" in title])
    until(lambda: files_of(profile) == [])


def test_a_fork_of_its_owner_does_not_keep_it_alive(profile: Profile) -> None:
    script = SCRIPT.format(at_exit=True, end="os.fork() or os.execlp('sleep', 'sleep', '300')\nos.kill(os.getpid(), 9)")
    subprocess.run([sys.executable, "-c", script], stdout=subprocess.DEVNULL, check=False, timeout=SECONDS)
    until(lambda: not [title for title in processes_of_this_run().values() if "[it]" in title])
    for pid in [pid for pid, title in processes_of_this_run().items() if title == "sleep 300"]:
        os.kill(pid, signal.SIGKILL)


def test_it_outlives_its_owner_if_asked(profile: Profile) -> None:
    subprocess.run([sys.executable, "-c", SCRIPT.format(at_exit=False, end="")], check=True, timeout=SECONDS)
    cluster = Cluster.from_file(cluster_id="it")
    with Client(cluster_id="it") as rc:
        assert rc.ids == [0, 1]
    cluster.stop_cluster_sync()
    assert files_of(profile) == []


def test_engines_for_a_controller_that_somebody_else_started(profile: Profile) -> None:
    with Cluster(n=1, cluster_id="shared") as rc:
        more = Cluster(n=1, cluster_id="shared")
        more.start_engines_sync()
        until(lambda: rc.ids == [0, 1])
        more.stop_cluster_sync()
        until(lambda: rc.ids == [0])
