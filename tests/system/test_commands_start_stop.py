"""`ipcluster start` and `stop`: what people see, and what is left."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from engineroom import Client, Cluster
from engineroom.errors import ConnectionFileError, LaunchError
from engineroom.machine.processes import ProcessRecord
from engineroom.settings.profiles import Profile
from tests.patience import SECONDS
from tests.system.conftest import Command, answers, until
from tests.system.in_process import ipcluster

Start = Callable[..., Command]


def left_in(profile: Profile) -> list[str]:
    """Return what of a cluster is left: pid, connection and cluster files, and sockets."""
    files = [*profile.pid_dir.glob("*"), *profile.security_dir.glob("*.json")]
    sockets = Path(os.environ["ENGINEROOM_SOCKET_DIR"]).glob("*")
    return sorted(path.name for path in (*files, *sockets))


def write_record(profile: Profile, **changes: object) -> Path:
    """Write a pid file for this test's own process, changed."""
    record = ProcessRecord.of_this_process()
    values = {name: getattr(record, name) for name in record.__struct_fields__}
    profile.prepare()
    path = profile.pid_file("ipcluster")
    path.write_text(json.dumps(values | changes))
    return path


def test_what_was_stopped_on_purpose_leaves_no_warning_in_the_logs(
    command: Callable[..., Command], profile: Profile
) -> None:
    ipcluster("start", "-n", "1", "--daemonize").succeeds()
    ipcluster("stop").succeeds()
    logs = "".join(path.read_text() for path in profile.log_dir.iterdir())
    assert "engine left" in logs
    assert "WARNING" not in logs


def test_start_says_what_runs_and_what_to_type_next(command: Start, profile: Profile) -> None:
    start = command("ipcluster", "start", "-n", "2").says("stop it:")
    assert start.lines[0] == "starting 2 engines\n"
    assert "2 engines are ready" in start.output
    assert "engineroom.Client()" in start.output
    with Client(timeout=SECONDS) as rc:
        assert rc.ids == [0, 1]
    start.signal(signal.SIGINT).succeeds()
    assert start.lines[-1] == "stopped: received SIGINT\n"
    assert left_in(profile) == []


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_whatever_ends_ipcluster_leaves_nothing_behind(command: Start, profile: Profile, signum: int) -> None:
    command("ipcluster", "start", "-n", "2").says("stop it:").signal(signum).ends()
    # After a SIGKILL the others notice by themselves, and take everything away.
    until(lambda: not left_in(profile))


def test_ctrl_c_while_it_starts_leaves_nothing_behind(command: Start, profile: Profile) -> None:
    start = command("ipcluster", "start", "-n", "4").says("starting 4 engines").signal(signal.SIGINT)
    assert start.ends() == 0, start.output
    assert left_in(profile) == []


def test_a_killed_ipcluster_can_be_started_again_at_once(command: Start, profile: Profile) -> None:
    command("ipcluster", "start", "-n", "1").says("stop it:").signal(signal.SIGKILL).ends()
    again = command("ipcluster", "start", "-n", "1").says("stop it:")
    again.signal(signal.SIGINT).succeeds()
    assert left_in(profile) == []


def test_a_cluster_whose_profile_is_removed_can_be_stopped_and_is_not_overrun(command: Start, profile: Profile) -> None:
    start = command("ipcluster", "start", "-n", "1").says("stop it:")
    shutil.rmtree(profile.path)
    again = command("ipcluster", "start", "-n", "1")
    assert again.ends() == 1
    assert "is already running, although its pid file is gone. Stop it with `ipcluster stop`" in again.output
    stop = ipcluster("stop").succeeds()
    assert stop.output == "stopped the cluster, whose pid file was gone\n"
    start.succeeds()
    assert left_in(profile) == []


def test_daemonize_returns_when_everything_runs(command: Start, profile: Profile) -> None:
    start = command("ipcluster", "start", "-n", "2", "--daemonize")
    start.succeeds()
    assert "2 engines are ready" in start.output
    assert "Ctrl-C" not in start.output
    with Client(timeout=SECONDS) as rc:
        assert rc.ids == [0, 1]
    stop = command("ipcluster", "stop")
    stop.succeeds()
    assert "stopped the cluster" in stop.output
    assert left_in(profile) == []


def test_a_second_start_is_refused_and_names_the_first(command: Start, profile: Profile) -> None:
    first = command("ipcluster", "start", "-n", "1").says("stop it:")
    second = command("ipcluster", "start", "-n", "1")
    assert second.ends() == 10
    assert f"is already running, as process {first.process.pid}" in second.output
    assert "ipcluster stop" in second.output
    with Client(timeout=SECONDS) as rc:
        assert rc.ids == [0]
    first.signal(signal.SIGINT).succeeds()


def test_clusters_run_side_by_side(command: Start, profile: Profile) -> None:
    plain = command("ipcluster", "start", "-n", "1")
    named = command("ipcluster", "start", "-n", "2", "--cluster-id=x")
    other = command("ipcluster", "start", "-n", "1", "--profile=other")
    for each in (plain, named, other):
        each.says("stop it:")
    assert "ipcluster stop --cluster-id=x" in named.output
    assert "ipcluster stop --profile=other" in other.output
    assert "Client(profile='other')" in other.output
    with Client(cluster_id="x", timeout=SECONDS) as rc:
        assert rc.ids == [0, 1]
    listed = ipcluster("list", "-o", "json")
    listed.succeeds()
    found = json.loads(listed.output)
    assert {(one["profile"], one["cluster"]["cluster_id"], one["n_engines"]) for one in found} == {
        ("default", "", 1),
        ("default", "x", 2),
        ("other", "", 1),
    }
    names_those_that_run(command)
    ipcluster("stop", "--all").succeeds()
    plain.succeeds()
    named.succeeds()
    ipcluster("stop", "--profile=other").succeeds()
    other.succeeds()


def names_those_that_run(command: Start) -> None:
    """See that whoever asks for a cluster that does not run is told of those that do, by what chooses each."""
    for asks in ("stop", "why", "logs"):
        wrong = ipcluster(asks, "--cluster-id=nosuch")
        assert wrong.ends() != 0
        for options in (" --profile=default", " --cluster-id=x", " --profile=other"):
            assert f"`ipcluster {asks}{options}`" in wrong.output
    with pytest.raises(
        ConnectionFileError, match=r"`Client\(\)`, `Client\(cluster_id='x'\)`, `Client\(profile='other'\)`"
    ):
        Client(cluster_id="nosuch", timeout=0.1)
    with pytest.raises(LaunchError, match=r"start --cluster-id=nosuch`.*`Cluster.from_file\(profile='other'\)`"):
        Cluster.from_file(cluster_id="nosuch")


def test_stop_with_nothing_running(command: Start, profile: Profile) -> None:
    stop = ipcluster("stop")
    assert stop.ends() == 11
    assert "the cluster is not running" in stop.output


def test_stop_leaves_a_process_alone_that_only_has_the_pid(command: Start, profile: Profile) -> None:
    path = write_record(profile, start_time="1")
    stop = ipcluster("stop")
    assert stop.ends() == 11
    assert "that pid belongs to another process now" in stop.output
    assert not path.exists()


def test_stop_leaves_a_process_of_another_machine_alone(command: Start, profile: Profile) -> None:
    path = write_record(profile, host="elsewhere")
    stop = ipcluster("stop")
    assert stop.ends() == 1
    assert f"pid {os.getpid()} on elsewhere" in stop.output
    assert "Stop it there" in stop.output
    assert path.exists()
    start = command("ipcluster", "start", "-n", "1")
    assert start.ends() == 10
    assert "may already be running on elsewhere" in start.output


def test_a_stale_pid_file_is_no_obstacle(command: Start, profile: Profile) -> None:
    write_record(profile, start_time="1")
    start = command("ipcluster", "start", "-n", "1").says("stop it:")
    start.signal(signal.SIGINT).succeeds()
    assert left_in(profile) == []


def test_stop_kills_a_host_that_does_not_answer(command: Start, profile: Profile) -> None:
    start = command("ipcluster", "start", "-n", "1").says("stop it:")
    start.signal(signal.SIGSTOP)
    stop = ipcluster("stop", "--timeout=0.5")
    stop.succeeds()
    assert start.ends() != 0
    until(lambda: not left_in(profile))


def test_a_port_in_use_is_named(command: Start, profile: Profile) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        start = command("ipcluster", "start", "-n", "1", f"--ports={port}")
        assert start.ends() == 1
    assert f"{port}: Address already in use" in start.output
    assert left_in(profile) == []


def test_arguments_behind_the_dashes_go_to_the_controller(command: Start, profile: Profile) -> None:
    start = command("ipcluster", "start", "-n", "1", "--", "--reuse").says("stop it:")
    start.signal(signal.SIGTERM).succeeds()
    assert left_in(profile) == ["ipcontroller-client.json", "ipcontroller-engine.json"]


def test_a_controller_that_is_killed_and_not_restarted_ends_the_cluster_with_the_reason(
    command: Start, profile: Profile
) -> None:
    start = command("ipcluster", "start", "-n", "2", "--no-restart-controller").says("stop it:")
    state = json.loads(profile.cluster_file().read_text())["controller"]["state"]
    os.kill(state["pid"], signal.SIGKILL)
    assert start.ends() == 1
    assert f"the ipcontroller (pid {state['pid']}) ended: killed by SIGKILL" in start.output
    assert left_in(profile) == []


def test_an_engine_that_dies_is_reported_with_its_cause(command: Start, profile: Profile) -> None:
    start = command("ipcluster", "start", "-n", "2", "--no-restart-engines").says("stop it:")
    with Client(timeout=SECONDS) as rc:
        os.kill(rc[1].apply_sync(os.getpid), signal.SIGKILL)
        start.says("engine 1 died: killed by SIGKILL (log: ")
        until(lambda: rc.ids == [0])
    start.signal(signal.SIGINT).succeeds()
    assert "engine died  engine=1  cause=killed by SIGKILL" in profile.log_file("ipcluster").read_text()


def test_an_engine_that_dies_is_started_again(command: Start, profile: Profile) -> None:
    start = command("ipcluster", "start", "-n", "2").says("stop it:")
    with Client(timeout=SECONDS) as rc:
        before = rc[1].apply_sync(os.getpid)
        os.kill(before, signal.SIGKILL)
        start.says("engine 1 died: killed by SIGKILL; it is started again")
        until(lambda: answers(rc, [1], os.getpid) != [before])
        assert rc.ids == [0, 1]
    start.signal(signal.SIGINT).succeeds()


def test_engines_that_can_not_start_end_the_start_with_the_reason(command: Start, profile: Profile) -> None:
    start = command("ipcluster", "start", "-n", "1", "--IPEngine.startup_command=import os; os._exit(3)")
    assert start.ends() == 1
    assert "engine 0 did not register: exit code 3" in start.output
    assert left_in(profile) == []


def test_engines_and_controller_in_any_order(command: Start, profile: Profile) -> None:
    engines = command("ipcluster", "engines", "-n", "2").says("waiting for the controller")
    lone = command("ipengine", "--log-level=WARNING").says("waiting for the controller")
    controller = command("ipcontroller").says("controller listens")
    with Client(timeout=SECONDS) as rc:
        rc.wait_for_engines(3, timeout=SECONDS)
    stop = ipcluster("stop")
    stop.succeeds()
    controller.succeeds()
    engines.succeeds()
    lone.succeeds()
    assert left_in(profile) == []
