"""Tunnels by OpenSSH, between machines on which the controller listens for nobody but itself."""

from __future__ import annotations

import json
import os
import platform
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engineroom import Client, DirectView
from engineroom.errors import ConnectionFailed
from tests.patience import SECONDS
from tests.real.machines import Machines, Program
from tests.real.sshd import SshHosts, keygen
from tests.system.conftest import processes_of_this_run, until

Run = Callable[..., Program]

PATIENCE = ["-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=2", "-o", "ConnectTimeout=2"]


def tunnels() -> int:
    """Return how many ssh processes of this run are tunnels."""
    titles = processes_of_this_run().values()
    return sum(title.startswith("ssh -o ControlPath=none") and " -N " in title for title in titles)


@pytest.fixture(scope="module")
def machines(ssh_hosts: SshHosts) -> Iterator[Machines]:
    """Three machines, of which `node1` has a controller that listens on loopback only."""
    with tempfile.TemporaryDirectory(prefix="er-", dir="/tmp") as place:
        ssh = " ".join(["-F", str(ssh_hosts.config), *PATIENCE])
        made = Machines(ssh_hosts, Path(place), ENGINEROOM_SSH_ARGS=ssh)
        grace = "--IPController.reattach_grace=1.6"
        made.run("node1", "ipcontroller", "--enginessh=node1", "--ssh=node1", grace).says("ready")
        yield made
        made.close()


@pytest.fixture
def run(machines: Machines) -> Iterator[Callable[..., Program]]:
    """What starts a program on a machine, and kills it when the test is over."""
    started: list[Program] = []

    def start(*arguments: Any, **more: Any) -> Program:
        started.append(machines.run(*arguments, **more))
        return started[-1]

    yield start
    for program in started:
        program.kill()
    until(lambda: not tunnels())


@pytest.fixture
def rc(machines: Machines, run: Run, ssh_hosts: SshHosts) -> Iterator[Client]:
    """A client on yet another machine, through a tunnel of its own."""
    file = machines.copy("client", "node1", machines.place / "here")
    with Client(str(file), ssh_args=["-F", str(ssh_hosts.config), *PATIENCE], timeout=SECONDS) as client:
        yield client


def guards() -> list[int]:
    """Return the process ids of those that keep tunnels up."""
    every = processes_of_this_run().items()
    return [pid for pid, title in every if title.startswith("engineroom tunnel through node1")]


def view_of(engine: Program, rc: Client) -> DirectView:
    """Return a view of this very engine, once it is there; those of earlier tests may not be gone yet."""
    engine_id = int(engine.says("registered  engine=").output.partition("registered  engine=")[2].split()[0])
    until(lambda: engine_id in rc.ids)
    return rc[engine_id]


def test_all_connections_are_loopback_and_a_machine_has_one_tunnel(machines: Machines, run: Run, rc: Client) -> None:
    machines.copy("engine", "node1", machines.security("node2"))
    engines = [run("node2", "ipengine") for _ in range(2)]
    rc.wait_for_engines(2, timeout=SECONDS)
    assert rc[:].apply_sync(platform.node) == ["node2", "node2"]
    assert tunnels() == 2  # the engines' and ours
    assert "by way of node1" in engines[0].output
    data = os.urandom(20_000_000)
    rc[:].push({"data": data}, block=True)
    assert rc[0].pull("data", block=True) == data
    engines[0].kill()
    until(lambda: len(rc.ids) == 1)  # it might have been the tunnel that died
    assert tunnels() == 2
    engines[1].kill()
    until(lambda: tunnels() == 1)


def test_a_cable_that_is_pulled_and_plugged_in_again(
    machines: Machines, run: Run, rc: Client, ssh_hosts: SshHosts
) -> None:
    machines.copy("engine", "node1", machines.security("node2"))
    engine = run("node2", "ipengine")
    view = view_of(engine, rc)
    view["kept"] = os.getpid()
    machines.hosts.cut("node2")
    waiting = view.pull("kept")
    engine.says("lost the controller: reconnecting")
    machines.hosts.mend("node2")
    assert waiting.get(timeout=SECONDS) == os.getpid()


def test_a_killed_guard_takes_its_ssh_along_and_is_replaced(machines: Machines, run: Run, rc: Client) -> None:
    machines.copy("engine", "node1", machines.security("node2"))
    engine = run("node2", "ipengine")
    view = view_of(engine, rc)
    view["kept"] = 7
    until(lambda: len(guards()) == 2)
    for guard in guards():
        os.kill(guard, signal.SIGKILL)
    until(lambda: engine.output.count("registered  engine=") == 2 and tunnels() == 2)
    assert view.pull("kept").get(timeout=SECONDS) == 7


def test_a_host_and_its_engines_share_a_tunnel(machines: Machines, run: Run, rc: Client) -> None:
    machines.copy("engine", "node1", machines.security("node3"))
    until(lambda: not rc.ids)  # those of other tests
    host = run("node3", "ipcluster", "engines", "--n=4").says("4 engines are ready")
    rc.wait_for_engines(4, timeout=SECONDS)
    assert set(rc[:].apply_sync(platform.node)) == {"node3"}
    assert tunnels() == 2
    host.close()
    until(lambda: rc.ids == [] and tunnels() == 1)


def test_a_file_of_four_keys_edited_by_hand(machines: Machines, run: Run) -> None:
    values = json.loads(machines.copy("engine", "node1", machines.place / "there").read_text())
    port = values["url"].rpartition(":")[2]
    few = {"url": f"tcp://*:{port}", "exec_key": values["exec_key"], "ssh": "node1", "location": "127.0.0.1"}
    (machines.place / "there" / "four.json").write_text(json.dumps(few))
    run("node2", "ipengine", "--file=four.json", cwd=machines.place / "there").says("registered")


def test_a_server_that_nobody_knows(machines: Machines, run: Run) -> None:
    file = machines.copy("engine", "node1", machines.place / "there")
    engine = run("node3", "ipengine", f"--file={file}", "--ssh=nowhere.invalid")
    engine.says("Could not resolve hostname nowhere.invalid")
    assert "`ssh nowhere.invalid` must work on this machine" in engine.output


def test_a_server_that_can_not_reach_the_controller(machines: Machines, run: Run) -> None:
    file = machines.copy("engine", "node1", machines.place / "there")
    engine = run("node3", "ipengine", f"--file={file}", "--ssh=node2")
    engine.says("open failed: connect failed: Connection refused. The ssh server cannot reach")
    assert "127.0.0.1:" in engine.output


def test_a_key_that_is_refused(machines: Machines, ssh_hosts: SshHosts) -> None:
    other = machines.place / "other_key"
    keygen(other, "a stranger")
    config = machines.place / "ssh_config"
    config.write_text(ssh_hosts.config.read_text().replace(str(ssh_hosts.key), str(other)))
    file = machines.copy("client", "node1", machines.place / "there")
    with pytest.raises(ConnectionFailed, match=r"ssh node1: .*Permission denied .*ssh-add.*--sshkey"):
        Client(str(file), ssh_args=["-F", str(config)], timeout=SECONDS)
    with Client(str(file), ssh_args=["-F", str(config)], sshkey=ssh_hosts.key, timeout=SECONDS) as rc:
        rc.queue_status()
