"""The spawner: forks engines, reports how they end, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import engineroom as er
from engineroom.ids import new_instance
from tests.patience import SECONDS


class SpawnerProcess:
    """A spawner, spoken to as a host does."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._rest = b""
        self._number = 0
        self.process = subprocess.Popen(
            [sys.executable, "-m", "engineroom.engine.spawner"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def say(self, **command: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command).encode() + b"\n")
        self.process.stdin.flush()

    def spawn(self, key: object, *, fork: bool = True, **config: Any) -> dict[str, Any]:
        """Start an engine that waits for a connection file, and return the report."""
        values = {
            "connection_file": str(self.directory / "none.json"),
            "log_file": str(self.directory / f"{key}.log"),
            **config,
        }
        self.say(spawn=values, key=key, fork=fork)
        return self.report()

    def report(self) -> dict[str, Any]:
        """Return the next report."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + SECONDS
        while b"\n" not in self._rest:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, "no report"
            data = os.read(self.process.stdout.fileno(), 65536)
            assert data, "the spawner has ended"
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return json.loads(line)

    def hang_up(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        if self.process.stdin is not None and not self.process.stdin.closed:
            self.process.stdin.close()


@pytest.fixture
def spawner(tmp_path: Path) -> Iterator[SpawnerProcess]:
    process = SpawnerProcess(tmp_path)
    yield process
    process.end()


def gone(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(pid).wait(SECONDS)
    return not psutil.pid_exists(pid)


def is_waiting(spawner: SpawnerProcess, key: object) -> bool:
    """Whether the engine runs and has found no connection file, within the deadline."""
    log = spawner.directory / f"{key}.log"
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if log.exists() and "waiting for the controller" in log.read_text():
            return True
        select.select([], [], [], 0.01)
    return False


@pytest.mark.parametrize("fork", [True, False])
def test_engines_are_started_and_their_end_is_reported(spawner: SpawnerProcess, fork: bool) -> None:
    instance = new_instance().hex()
    report = spawner.spawn("a", fork=fork, instance=instance)
    assert (report["spawned"], report["instance"]) == ("a", instance)
    assert is_waiting(spawner, "a")
    assert os.getsid(report["pid"]) == report["pid"]
    spawner.say(stop="a")
    said = {"exited": "a", "pid": report["pid"], "instance": instance, "code": -15, "cause": "killed by SIGTERM"}
    ended = spawner.report()
    assert {name: ended[name] for name in said} == said
    assert (ended["own"], ended["words"]) == (False, "")


def test_a_signal_reaches_the_engine_that_is_named(spawner: SpawnerProcess) -> None:
    one, two = spawner.spawn(1), spawner.spawn(2)
    assert one["instance"] != two["instance"]
    spawner.say(signal=2, signum=9)
    assert spawner.report()["cause"] == "killed by SIGKILL"
    assert psutil.pid_exists(one["pid"])


def test_an_exit_code_is_reported(spawner: SpawnerProcess) -> None:
    spawner.spawn(1, connect_timeout=0.1)
    report = spawner.report()
    assert (report["code"], report["cause"]) == (255, "exit code 255")


def test_engines_look_for_garbage_as_often_as_any_python(spawner: SpawnerProcess) -> None:
    code = f"import gc, os; os._exit(3 if gc.get_threshold() == {gc.get_threshold()} and gc.isenabled() else 4)"
    spawner.spawn(1, startup_command=code)
    assert spawner.report()["code"] == 3


def test_one_that_ignores_the_signal_is_killed(spawner: SpawnerProcess) -> None:
    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    spawner.spawn(1, startup_command=code)
    assert is_waiting(spawner, 1)
    spawner.say(stop=1)
    assert spawner.report()["cause"] == "killed by SIGKILL"


@pytest.mark.parametrize("way", ["hang up", "SIGTERM", "SIGKILL"])
def test_when_the_spawner_ends_so_do_the_engines(spawner: SpawnerProcess, way: str) -> None:
    pids = [spawner.spawn(key)["pid"] for key in range(3)]
    assert all(is_waiting(spawner, key) for key in range(3))
    if way == "hang up":
        spawner.hang_up()
    else:
        spawner.process.send_signal(signal.Signals[way])
    assert all(gone(pid) for pid in pids)
    spawner.process.wait(SECONDS)


def test_what_an_engine_started_ends_with_it(spawner: SpawnerProcess) -> None:
    code = "import subprocess; child = subprocess.Popen(['sleep', '60']); print('child', child.pid, flush=True)"
    report = spawner.spawn(1, startup_command=code)
    assert is_waiting(spawner, 1)
    (child,) = psutil.Process(report["pid"]).children()
    spawner.say(signal=1, signum=9)
    spawner.report()
    assert gone(child.pid)


def test_bad_commands_are_reported(spawner: SpawnerProcess) -> None:
    spawner.say(dance=True)
    assert "dance" in spawner.report()["problem"]
    spawner.say(spawn={"nonsense": 1}, key=7)
    report = spawner.report()
    assert report["failed"] == 7
    assert "connection_file" in report["problem"]


def test_an_engine_without_a_place_for_its_log_is_reported_and_is_no_second_spawner(spawner: SpawnerProcess) -> None:
    (spawner.directory / "file").touch()
    told = [spawner.spawn(1, log_file=str(spawner.directory / "file" / "1.log"))]
    while "exited" not in told[-1]:
        told.append(spawner.report())
    (problem,) = [report["problem"] for report in told if "failed" in report]
    assert "file" in problem
    assert not psutil.Process(spawner.process.pid).children()
    assert spawner.spawn(2)["spawned"] == 2


def test_engines_hold_nothing_of_the_spawner(spawner: SpawnerProcess) -> None:
    report = spawner.spawn(1)
    assert is_waiting(spawner, 1)
    files = {os.readlink(f"/proc/{report['pid']}/fd/{number}") for number in os.listdir(f"/proc/{report['pid']}/fd")}
    ours = {os.readlink(f"/proc/{spawner.process.pid}/fd/{number}") for number in (0, 1)}
    assert not files & ours


def test_forked_engines_share_their_memory(spawner: SpawnerProcess) -> None:
    pids = [spawner.spawn(key)["pid"] for key in range(4)]
    assert all(is_waiting(spawner, key) for key in range(4))
    sizes = [psutil.Process(pid).memory_full_info().pss / 2**20 for pid in pids]
    assert max(sizes) < 15, sizes


@pytest.mark.parametrize("fork", [True, False])
def test_what_an_engine_wrote_last_is_reported_and_in_its_log(spawner: SpawnerProcess, fork: bool) -> None:
    command = "import os; print('printed'); os.write(2, b'FATAL: no licence'); os.abort()"
    spawner.spawn(1, fork=fork, startup_command=command)
    exited = spawner.report()
    assert exited["cause"] == "killed by SIGABRT"
    lines = exited["words"].splitlines()
    assert "FATAL: no licence" in lines
    assert "Fatal Python error: Aborted" in lines
    log = (spawner.directory / "1.log").read_text()
    assert "Last output of engine process" in log
    assert "FATAL: no licence" in log
    assert "printed" in log


def test_an_engine_imports_nothing_of_ours_that_its_spawner_could_have_imported_for_all(tmp_path: Path) -> None:
    code = "import sys; from engineroom.engine import app, spawner; spawner._import_once(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    with er.Cluster(n=1, profile_dir=str(tmp_path / "profile")) as rc:
        loaded = rc[0].apply_sync(eval, "list(__import__('sys').modules)")
    assert [name for name in loaded if name.startswith("engineroom.") and name not in done.stdout.split()] == []
