"""Starts that fail: the step and the fix are named, by `ipcluster why` and where the user is."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engineroom import Client, Cluster
from engineroom.cluster.why import report as why_report
from engineroom.cluster.why.report import as_text
from engineroom.errors import EngineroomError, LaunchError
from engineroom.protocol.connection_files import read_connection_file
from engineroom.settings.profiles import Profile
from tests.patience import SECONDS, slowly
from tests.system.conftest import Command, until
from tests.system.in_process import ipcluster

Commands = Callable[..., Command]

KNOWABLE = 5.0
"""Seconds within which a failure is named once it can be known."""


def why(profile: Profile) -> str:
    """Return what `ipcluster why` answers; it must not take long."""
    began = time.monotonic()
    answer = as_text(why_report.why(profile, ""))
    assert time.monotonic() - began < slowly(KNOWABLE)
    return answer


def first_lines(text: str) -> str:
    """Return the answer and the fix, without the steps."""
    return text.partition("steps:")[0]


def configure(profile: Profile, program: str, *lines: str) -> None:
    profile.path.mkdir(parents=True, exist_ok=True)
    (profile.path / f"{program}_config.py").write_text("\n".join(["c = get_config()", *lines]) + "\n")


def running(command: Commands, *arguments: str) -> Command:
    return command("ipcluster", "start", "-n", "1", *arguments).says("1 engine is ready")


def test_all_is_well_and_later_that_it_was_stopped(command: Commands, profile: Profile) -> None:
    assert "no such cluster has been started" in why(profile)
    start = running(command)
    assert why(profile).startswith("all is well: 1 engine, since ")
    values = json.loads(ipcluster("why", "--json").succeeds().output)
    assert values["well"]
    assert [step["step"] for step in values["trail"]][-1] == "registered"
    start.signal(signal.SIGINT).ends()
    assert "was stopped at" in why(profile)
    asked = command("ipcluster", "why")
    assert asked.ends() == 1
    assert "received SIGINT" in asked.output
    running(command).signal(signal.SIGINT).ends()
    assert profile.steps_file().with_name("steps.jsonl.1").exists()


def test_a_profile_with_a_file_that_is_no_python(command: Commands, profile: Profile) -> None:
    start = running(command)
    configure(profile, "ipcluster", "c.Cluster.n = = 4")
    assert why(profile).startswith("all is well")
    stop = ipcluster("stop")
    assert stop.ends() == 0
    assert "ipcluster_config.py: SyntaxError: " in stop.lines[0]
    assert stop.lines[1].startswith("stopped the cluster")
    start.ends()
    assert command("ipcluster", "start").ends() == 2
    said = first_lines(why(profile))
    assert "ipcluster_config.py: SyntaxError: " in said
    assert "fix: correct that file" in said


def test_a_working_directory_that_is_not_there(command: Commands, profile: Profile) -> None:
    start = command("ipcluster", "start", "-n", "1", "--work-dir=/nowhere/at/all")
    assert start.ends() == 2
    assert "/nowhere/at/all" in start.output
    assert "--work-dir" in start.output
    configure(profile, "ipengine", "c.IPEngine.work_dir = '/nowhere/at/all'")
    start = running(command).says("fix: create that directory")
    said = first_lines(why(profile))
    assert said.startswith("engine 0: work_dir: ")
    assert "fix: create that directory" in said
    start.signal(signal.SIGINT).ends()


def test_a_module_that_engineroom_misses(command: Commands, profile: Profile, tmp_path: Path) -> None:
    (tmp_path / "cloudpickle.py").write_text("raise ModuleNotFoundError(\"No module named 'cloudpickle'\")\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    start = command("ipcluster", "start", "-n", "1", env=environment)
    assert start.ends() == 1
    for said in (start.output, first_lines(why(profile))):
        assert "No module named 'cloudpickle'" in said
        assert "fix: install engineroom" in said


def test_a_key_that_is_not_the_controllers(command: Commands, profile: Profile, tmp_path: Path) -> None:
    start = running(command)
    path = profile.connection_file("engine")
    values = json.loads(path.read_text())
    copy = tmp_path / "copied.json"
    copy.write_text(json.dumps({**values, "exec_key": "0" * len(values["exec_key"])}))
    copy.chmod(0o600)
    engines = command("ipcluster", "engines", "-n", "1", f"--file={copy}")
    assert engines.ends() == 1
    assert "wrong key" in engines.output
    assert "fix: fetch the connection file again" in engines.output or "fetch it again" in engines.output
    said = first_lines(why(profile))
    assert "wrong key" in said
    assert "etch" in said
    start.signal(signal.SIGINT).ends()


def test_a_controller_that_does_not_answer(command: Commands, profile: Profile) -> None:
    start = running(command)
    info = read_connection_file(profile.connection_file("client"))
    assert info.controller is not None
    os.kill(info.controller.pid, signal.SIGSTOP)
    try:
        said = first_lines(why(profile))
    finally:
        os.kill(info.controller.pid, signal.SIGCONT)
    assert said.startswith(f"the controller (process {info.controller.pid}) is stopped, by SIGSTOP")
    assert f"fix: kill -CONT {info.controller.pid}" in said
    start.signal(signal.SIGINT).ends()


def test_a_port_at_which_nobody_listens(command: Commands, profile: Profile, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    file = tmp_path / "closed.json"
    file.write_text(json.dumps({"url": f"tcp://127.0.0.1:{port}", "exec_key": "0" * 32}))
    file.chmod(0o600)
    engines = command("ipcluster", "engines", "-n", "1", f"--file={file}").says("Connection refused (ECONNREFUSED)")
    said = first_lines(why(profile))
    assert f"127.0.0.1:{port}: Connection refused (ECONNREFUSED)" in said
    assert "fix: see that the controller runs there" in said
    engines.signal(signal.SIGINT).ends()


def test_a_port_that_is_taken_and_an_address_that_is_not_ours(command: Commands, profile: Profile) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        start = command("ipcluster", "start", "-n", "1", "--", f"--ports={taken.getsockname()[1]}")
        assert start.ends() == 1
    for said in (start.output, first_lines(why(profile))):
        assert "Address already in use" in said
        assert "fix: choose other ports by --ports" in said
    start = command("ipcontroller", "--ip=192.0.2.7")
    assert start.ends() == 1
    assert "192.0.2.7" in start.output
    said = first_lines(why(profile))
    assert said.startswith("controller: the controller can't listen on 192.0.2.7")
    assert "fix: name an address that this machine has" in said


def test_a_file_of_another_version(command: Commands, profile: Profile) -> None:
    start = running(command)
    path = profile.connection_file("client")
    path.write_text(json.dumps({**json.loads(path.read_text()), "protocol": "9.0"}))
    said = first_lines(why(profile))
    assert "the controller speaks protocol 9.0" in said
    assert "fix: install the same version of engineroom on both machines" in said
    start.signal(signal.SIGINT).ends()


_ANOTHER_VERSION = """\
import functools, sys
from engineroom.cli.ipengine import main
from engineroom.protocol.handshake import PeerHandshake
PeerHandshake.__init__ = functools.partialmethod(PeerHandshake.__init__, protocol=(9, 0))
sys.exit(main(sys.argv[1:]))
"""


def test_an_engine_of_another_version(command: Commands, profile: Profile, tmp_path: Path) -> None:
    start = running(command)
    elsewhere = tmp_path / "ipython" / "profile_elsewhere"  # it sees nothing of the controller's profile
    copy = tmp_path / "copied.json"
    copy.write_bytes(profile.connection_file("engine").read_bytes())
    copy.chmod(0o600)
    engine = command("python", "-c", _ANOTHER_VERSION, f"--file={copy}", f"--profile-dir={elsewhere}")
    assert engine.ends() == 255
    assert "you speak protocol 9.0" in engine.output
    said = first_lines(why(profile))
    assert said.startswith("an engine on the controller's machine: you speak protocol 9.0")
    assert "fix: install the same version of engineroom on both machines" in said
    start.signal(signal.SIGINT).ends()


def test_a_host_that_was_killed(command: Commands, profile: Profile) -> None:
    start = running(command)
    start.signal(signal.SIGKILL)
    start.process.wait()
    until(lambda: not profile.connection_file("client").exists())
    said = first_lines(why(profile))
    assert "ended without a message" in said
    assert "start it with `ipcluster start`" in said


def test_a_cluster_in_python_says_it_in_its_error(profile: Profile) -> None:
    cluster = Cluster(n=1, controller_ip="192.0.2.7")
    with pytest.raises(LaunchError, match=r"(?s)can't listen on 192\.0\.2\.7.*\nfix: name an address"):
        cluster.start_and_connect_sync()
    assert cluster.why().startswith("controller: ")
    assert "fix: name an address" in cluster.why()


def test_a_module_that_start_up_code_misses_is_told_to_all_who_wait(
    command: Commands, profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(profile, "ipengine", "c.IPEngine.startup_command = 'import no_such_module'")
    start = running(command).says("fix: correct the start-up code")
    said = first_lines(why(profile))
    assert "No module named 'no_such_module'" in said
    assert "fix: correct the start-up code" in said
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    words = r"(?s)1 of 2 engines.*No module named 'no_such_module'.*\nfix: correct the start-up"
    with Client() as rc, pytest.raises(TimeoutError, match=words):
        rc.wait_for_engines(2, timeout=1.5, interactive=True)
    assert "1 of 2 engines after" in shown.getvalue()
    assert ": engine 0: startup_command: ModuleNotFoundError: No module named" in shown.getvalue()
    copy = tmp_path / "elsewhere.json"  # a client that does not see the profile asks the controller
    copy.write_bytes(profile.connection_file("client").read_bytes())
    with Client(copy) as rc, pytest.raises(TimeoutError, match=words):
        rc.wait_for_engines(2, timeout=0.1)
    start.signal(signal.SIGINT).ends()


def test_an_engine_that_is_killed_ends_the_wait_for_more(command: Commands, profile: Profile) -> None:
    start = running(command, "--no-restart-engines")
    with Client() as rc:
        waiting = rc.wait_for_engines(2, timeout=SECONDS, block=False)
        os.kill(rc[0].apply_sync(os.getpid), signal.SIGKILL)
        with pytest.raises(EngineroomError, match=r"(?s)engine 0 left \(killed by SIGKILL.*fix: "):
            waiting.result(SECONDS)
    start.says("engine 0 died")
    said = first_lines(why(profile))
    assert said.startswith("engine 0: killed by SIGKILL")
    assert "fix: " in said
    start.signal(signal.SIGINT).ends()
