"""Machines that let nobody in without a question, but for an ssh connection that the user has opened already."""

from __future__ import annotations

import os
import platform
import shlex
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import engineroom as er
from engineroom.errors import ConnectionFailed
from tests.patience import SECONDS
from tests.real.machines import Machines
from tests.real.sshd import SshHosts
from tests.real.test_ssh_controller import CONTROLLER
from tests.real.test_ssh_engines import SSH, engines, sockets
from tests.system.conftest import until

Masters = Callable[[str], subprocess.Popen[bytes]]


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory whose name is short: there are sockets in it."""
    with tempfile.TemporaryDirectory(prefix="er-", dir="/tmp") as made:
        yield Path(made)


@pytest.fixture
def asked(place: Path) -> list[str]:
    """Arguments for ssh by which no machine lets us in, unless there is a master for it."""
    return ["-o", f"ControlPath={place}/%h", "-o", "PubkeyAuthentication=no"]


@pytest.fixture
def log_in(place: Path, ssh_hosts: SshHosts) -> Iterator[Masters]:
    """What opens a connection to a machine, as somebody does who answers questions; it ends with the test."""
    opened = []

    def open_one(name: str) -> subprocess.Popen[bytes]:
        path = place / ssh_hosts.addresses[name]
        master = subprocess.Popen(["ssh", "-F", str(ssh_hosts.config), "-MN", "-o", f"ControlPath={path}", name])
        opened.append(master)
        until(path.exists)
        return master

    yield open_one
    for master in opened:
        master.terminate()
        master.wait()


@pytest.fixture
def machines(ssh_hosts: SshHosts, place: Path) -> Iterator[Machines]:
    """Three machines, of which `node1` has a controller that listens on loopback only."""
    made = Machines(ssh_hosts, place)
    made.run("node1", "ipcontroller", "--ssh=node1", "--IPController.reattach_grace=0.8").says("ready")
    yield made
    made.close()


def test_engines_and_a_controller_by_connections_that_are_open(ssh_profile, log_in: Masters, asked: list[str]) -> None:
    masters = [log_in("node1"), log_in("node3")]
    ssh_profile(
        SSH,
        engines({"node1": 2, "node3": 1}),
        CONTROLLER,
        "c.SSHControllerLauncher.hostname = 'node3'",
        ssh_args=asked,
    )
    cluster = er.Cluster()
    with cluster as rc:
        assert rc[:].apply_sync(socket.gethostname) == ["node1", "node1", "node3"]
    assert [master.poll() for master in masters] == [None, None]
    assert not sockets()


def test_a_tunnel_by_a_connection_that_is_open(
    machines: Machines, log_in: Masters, asked: list[str], ssh_hosts: SshHosts
) -> None:
    file = machines.copy("client", "node1", machines.place / "here")
    engine = machines.run("node1", "ipengine").says("registered")
    ssh_args = ["-F", str(ssh_hosts.config), *asked]
    with pytest.raises(ConnectionFailed, match="Permission denied"):
        er.Client(str(file), ssh_args=ssh_args, timeout=SECONDS)
    until(lambda: not sockets())  # else an attempt that was begun before we log in may be told of
    master = log_in("node1")
    with er.Client(str(file), ssh_args=ssh_args, timeout=SECONDS) as rc:
        rc.wait_for_engines(1, timeout=SECONDS)
        assert rc[:].apply_sync(platform.node) == ["node1"]
        data = os.urandom(20_000_000)
        rc[:].push({"data": data}, block=True)
        assert rc[0].pull("data", block=True) == data
        master.send_signal(signal.SIGTERM)  # and what was computed meanwhile comes by the next one
        master.wait()
        waiting = rc[0].apply(len, data)
        log_in("node1")
        assert waiting.get(timeout=SECONDS) == len(data)
    until(lambda: not sockets())
    engine.kill()


def test_an_address_that_refuses_costs_nobody_the_open_connection(
    machines: Machines, log_in: Masters, asked: list[str], ssh_hosts: SshHosts
) -> None:
    master = log_in("node2")
    file = machines.copy("engine", "node1", machines.place / "here", ssh="node2")
    ssh_args = shlex.join(["-F", str(ssh_hosts.config), *asked])
    engine = machines.run("node3", "ipengine", f"--file={file}", ENGINEROOM_SSH_ARGS=ssh_args)
    engine.says("Stdio forwarding request failed").says("The ssh server cannot reach the controller")
    engine.kill()
    assert master.poll() is None
