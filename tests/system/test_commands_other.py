"""The other commands: `ipcontroller`, `ipengine`, `ipcluster engines | list | clean | logs`, and `python -m`."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engineroom import Client
from engineroom.errors import EngineError
from engineroom.settings.profiles import Profile
from tests.patience import SECONDS
from tests.system.conftest import Command, until
from tests.system.in_process import ipcluster

Start = Callable[..., Command]


def test_controller_and_engines_by_hand(command: Start, profile: Profile) -> None:
    controller = command("ipcontroller", "--log-to-file", "--cluster-id=x", "--ports=23101-23120")
    engines = [command("ipengine", "--cluster-id=x", "--log-to-file") for _ in range(2)]
    with Client(cluster_id="x", timeout=SECONDS) as rc:
        rc.wait_for_engines(2, timeout=SECONDS)
        info = json.loads(profile.connection_file("client", "x").read_text())
        assert 23101 <= int(info["url"].rpartition(":")[2]) <= 23120
        rc.shutdown(hub=True)
    assert [each.ends() for each in (controller, *engines)] == [0, 0, 0]
    assert "controller listens" in profile.log_file("ipcontroller", "x").read_text()
    assert len(list(profile.log_dir.glob(f"ipengine-x-{socket.gethostname()}-*.log"))) == 2
    assert list(profile.pid_dir.iterdir()) == []


def test_a_controller_excludes_a_second_one(command: Start, profile: Profile) -> None:
    first = command("ipcontroller").says("controller listens")
    second = command("ipcontroller")
    assert second.ends() == 10
    assert f"ipcontroller is already running, as process {first.process.pid}" in second.output
    cluster = command("ipcluster", "start", "-n", "1")
    assert cluster.ends() == 10
    assert f"ipcontroller is already running, as process {first.process.pid}" in cluster.output
    first.signal(signal.SIGTERM).succeeds()


def test_a_controller_with_reuse_comes_back_where_it_was(command: Start, profile: Profile) -> None:
    def info() -> dict[str, object]:
        values: dict[str, object] = json.loads(profile.connection_file("engine").read_text())
        return {name: values[name] for name in ("url", "exec_key", "certificate")}

    command("ipcontroller", "--reuse").says("controller listens").signal(signal.SIGINT).ends()
    before = info()
    again = command("ipcontroller", "--reuse").says("controller listens")
    assert info() == before
    again.signal(signal.SIGINT).succeeds()


def test_an_engine_without_a_controller_gives_up_in_words(command: Start, profile: Profile) -> None:
    engine = command("ipengine", "--timeout=0.3")
    assert engine.ends() == 255
    assert str(profile.connection_file("engine")) in engine.output
    assert "ipcluster start" in engine.output


def test_an_engine_with_a_wrong_file(command: Start, profile: Profile, tmp_path: Path) -> None:
    (tmp_path / "empty.json").touch()
    engine = command("ipengine", f"--file={tmp_path}/empty.json", "--timeout=0.2")
    assert engine.ends() == 255
    assert "empty.json is empty" in engine.output


def test_startup_code_and_work_dir(command: Start, profile: Profile, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("from_script = 1\n")
    controller = command("ipcontroller").says("controller listens")
    engine = command("ipengine", "-c", "from_command = 2", "-s", f"{tmp_path}/script.py", f"--work-dir={tmp_path}")
    with Client(timeout=SECONDS) as rc:
        rc.wait_for_engines(1, timeout=SECONDS)
        assert rc[0].pull(["from_script", "from_command"], block=True) == [1, 2]
        assert rc[0].apply_sync(os.getcwd) == str(tmp_path)
    controller.signal(signal.SIGTERM).ends()
    engine.succeeds()


def test_engines_end_with_their_host(command: Start, profile: Profile) -> None:
    start = command("ipcluster", "start", "-n", "1").says("stop it:")
    more = command("ipcluster", "engines", "-n", "2").says("engines are ready")
    with Client(timeout=SECONDS) as rc:
        assert rc.ids == [0, 1, 2]
        more.signal(signal.SIGKILL).ends()
        until(lambda: rc.ids == [0])
    start.signal(signal.SIGINT).succeeds()


def test_engines_in_the_background_end_with_their_controller(command: Start, profile: Profile) -> None:
    ipcluster("start", "-n", "1", "--daemonize").succeeds()
    more = command("ipcluster", "engines", "-n", "1", "--daemonize")
    more.succeeds()
    assert "1 engine is ready" in more.output
    with Client(timeout=SECONDS) as rc:
        assert rc.ids == [0, 1]
    ipcluster("stop").succeeds()


def test_a_start_in_the_background_says_why_it_failed(command: Start, profile: Profile) -> None:
    start = command("ipcluster", "start", "-n", "1", "--daemonize", "--IPEngine.startup_command=import os; os._exit(3)")
    assert start.ends() == 1
    assert "engine 0 did not register: exit code 3" in start.output
    assert list(profile.pid_dir.iterdir()) == []


@pytest.mark.parametrize("background", [[], ["--daemonize"]])
def test_bad_options_leave_nothing(command: Start, profile: Profile, background: list[str]) -> None:
    start = command("ipcluster", "start", "--portz=7", *background) if background else ipcluster("start", "--portz=7")
    assert start.ends() == 2
    assert "unknown option --portz; did you mean --port" in start.output
    assert not profile.path.exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a directory away")
@pytest.mark.parametrize(
    "arguments", [["ipcluster", "start"], ["ipcluster", "start", "--daemonize"], ["ipcontroller"]], ids=" ".join
)
def test_a_profile_of_somebody_else_is_refused(command: Start, profile: Profile, arguments: list[str]) -> None:
    profile.prepare()
    os.chown(profile.security_dir, 12345, -1)
    start = ipcluster("start") if arguments == ["ipcluster", "start"] else command(*arguments)
    assert start.ends() == 1
    assert "belongs to user 12345" in start.output


def test_list_and_clean_after_a_crash(command: Start, profile: Profile) -> None:
    ipcluster("start", "-n", "1", "--daemonize").succeeds()
    values = json.loads(profile.cluster_file().read_text())
    engine = next(iter(values["engines"]["sets"]["1"]["engines"].values()))
    # As after a power failure: nobody is left who could take anything away.
    for pid in (values["controller"]["state"]["pid"], values["host"]["process"]["pid"], engine["pid"]):
        os.kill(pid, signal.SIGSTOP)
    for pid in (values["controller"]["state"]["pid"], values["host"]["process"]["pid"], engine["pid"]):
        os.kill(pid, signal.SIGKILL)
    listed = command("ipcluster", "list")
    listed.succeeds()
    assert listed.lines[1].split()[:5] == ["default", "''", "False", "1", "LocalEngineSetLauncher"]
    sockets = [path.name for path in Path(os.environ["ENGINEROOM_SOCKET_DIR"]).iterdir()]
    clean = command("ipcluster", "clean")
    clean.succeeds()
    removed = [Path(line.split()[-1]) for line in clean.lines]
    assert {path.name for path in removed} == {
        "ipcluster.pid",
        "ipcontroller.pid",
        "cluster-.json",
        "ipcontroller-client.json",
        "ipcontroller-engine.json",
        "ipcontroller-engines.jsonl",
        "log",
        *sockets,
    }
    assert list(profile.log_dir.iterdir()) == []
    assert list(Path(os.environ["ENGINEROOM_SOCKET_DIR"]).iterdir()) == []
    listed = ipcluster("list")
    assert (listed.ends(), listed.output) == (0, "no clusters\n")


def test_clean_leaves_what_runs_and_what_is_to_be_used_again(command: Start, profile: Profile) -> None:
    command("ipcontroller", "--reuse", "--cluster-id=kept").says("controller listens").signal(signal.SIGINT).ends()
    for cluster_id in ("", "gone", "runs"):
        ipcluster("start", "-n", "1", "--daemonize", f"--cluster-id={cluster_id}").succeeds()
    for cluster_id in ("", "gone"):
        ipcluster("stop", f"--cluster-id={cluster_id}").succeeds()
    logs = {path.name for path in profile.log_dir.iterdir()}
    ipcluster("clean", "--cluster-id=gone").succeeds()
    assert {path.name for path in profile.log_dir.iterdir()} == {name for name in logs if "-gone" not in name}
    ipcluster("clean").succeeds()
    assert {path.name for path in profile.log_dir.iterdir()} == {name for name in logs if "-runs" in name}
    assert profile.connection_file("client", "kept").exists()
    assert profile.connection_file("client", "runs").exists()
    ipcluster("stop", "--cluster-id=runs").succeeds()


def test_clean_by_force_stops_what_runs(command: Start, profile: Profile) -> None:
    ipcluster("start", "-n", "1", "--daemonize").succeeds()
    clean = ipcluster("clean")
    assert (clean.ends(), clean.output) == (0, "")
    clean = ipcluster("clean", "--force")
    clean.succeeds()
    assert "stopped the cluster" in clean.output


def test_logs_of_all_or_of_some_and_as_they_are_written(command: Start, profile: Profile) -> None:
    start = command("ipcluster", "start", "-n", "2").says("stop it:")
    every = command("ipcluster", "logs")
    every.succeeds()
    assert [line.split()[1] for line in every.lines if line.startswith("==>")] == [
        "ipcluster:",
        "controller:",
        "engine-0:",
        "engine-1:",
    ]
    one = command("ipcluster", "logs", "1")
    one.succeeds()
    assert "registered  engine=1" in one.output
    with Client(timeout=SECONDS) as rc, pytest.raises(EngineError):
        rc[0].apply_sync(os._exit, 3)
    start.says("engine 0 died")  # now its log is the one of an engine that died
    dead = command("ipcluster", "logs", "0")  # of all logs, that of an engine that died is what people look for
    dead.succeeds()
    assert "registered  engine=0" in dead.output
    none = command("ipcluster", "logs", "7")
    assert none.ends() == 1
    assert "no log of '7'; this cluster has logs of: ipcluster, controller, engine-0, engine-1" in none.output
    follower = command("ipcluster", "logs", "-f", "ipcluster", "--lines=1").says("==>")
    start.signal(signal.SIGINT).ends()
    follower.says("ipcluster  ").says("stopping  reason=received SIGINT")
    follower.signal(signal.SIGINT)
    assert follower.ends() == -signal.SIGINT  # as of `tail -f`: a shell says 130


@pytest.mark.parametrize("module", ["cluster", "controller", "engine"])
def test_modules_are_the_commands(command: Start, profile: Profile, module: str) -> None:
    version = command(sys.executable, "-m", f"engineroom.{module}", "--version")
    version.succeeds()
    assert version.output.startswith("0.")


def test_a_command_that_does_not_exist() -> None:
    wrong = ipcluster("begin")
    assert wrong.ends() == 2
    assert "unknown command 'begin'" in wrong.output
    assert "start a controller and engines" in wrong.output
