"""Controllers and engines started by hand on several machines, as the documentation shows it."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from engineroom import Client
from tests.patience import SECONDS
from tests.reader import Reader
from tests.real.machines import Machines
from tests.real.sshd import SshHosts

PAGE = "starting/manual.md"
NODES = {"controller.host": "node1", "engine.host": "node2"}


class Desk:
    """Where the reader types on each machine, in a home directory of its own; that of `node1` is the reader's."""

    def __init__(self, hosts: SshHosts, reader: Reader, place: Path) -> None:
        self.hosts, self.reader, self.place = hosts, reader, place
        self.programs = place / "bin"
        self.programs.mkdir()
        for name in ("ssh", "scp"):
            # Whoever logs in gets root's home there, for sshd has it from the system.
            script = self.programs / name
            script.write_text(f'#!/bin/sh\nexec /usr/bin/{name} -F {hosts.config} "$@"\n')
            script.chmod(0o755)

    def home(self, node: str) -> Path:
        home = self.reader.home if node == "node1" else self.place / node
        home.mkdir(exist_ok=True)
        return home

    def at(self, host: str, command: str) -> list[str]:
        """Return what runs `command` on a machine, in the home directory there."""
        node = NODES.get(host, host)
        home = self.home(node)
        sockets = self.place / f"s-{node}"
        sockets.mkdir(mode=0o700, exist_ok=True)
        path = f"{self.programs}:{self.reader.environment['PATH']}"
        settings = [f"HOME={home}", f"PATH={path}", f"ENGINEROOM_SOCKET_DIR={sockets}"]
        return self.hosts.at(node, "env", "-C", str(home), *settings, "bash", "-c", command)

    def follows(self, block: str) -> None:
        there = f"scp node1:{self.home('node1')}/"
        controller = "node1" if block.startswith("manual-tunnel") else "controller.host"
        self.reader.follows(PAGE, block, place=self.at, **{f"scp {controller}:": there})


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory with a short name, as sockets need it."""
    with tempfile.TemporaryDirectory(prefix="er-", dir="/tmp") as path:
        yield Path(path)


@pytest.fixture
def desk(ssh_hosts: SshHosts, reader: Reader, place: Path) -> Desk:
    return Desk(ssh_hosts, reader, place)


@pytest.fixture
def machines(ssh_hosts: SshHosts, place: Path) -> Iterator[Machines]:
    made = Machines(ssh_hosts, place)
    yield made
    made.close()


def test_a_file_that_is_copied(desk: Desk) -> None:
    desk.follows("manual-machines")
    desk.follows("manual-profile")
    with Client(profile_dir=desk.home("node1") / ".ipython" / "profile_default", timeout=SECONDS) as rc:
        rc.wait_for_engines(2, timeout=SECONDS)
        assert rc[:].apply_sync(platform.node) == ["node2", "node2"]


def test_tunnels_where_everything_is_loopback(desk: Desk) -> None:
    desk.follows("manual-tunnel")


def test_a_tunnel_that_one_engine_is_told_of(desk: Desk) -> None:
    desk.follows("manual-tunnel-of-one")


def test_one_address_of_many_is_enough(machines: Machines) -> None:
    nobody = f"{machines.hosts.network}.99"
    machines.run("node1", "ipcontroller", "--ip=*", f"--location={nobody}").says("ready")
    file = machines.copy("engine", "node1", machines.place / "there")
    engine = machines.run("node2", "ipengine", f"--file={file.name}", cwd=file.parent).says("registered  engine=0")
    assert f"over={machines.hosts.addresses['node1']}:" in engine.output


def test_a_controller_that_listens_for_its_own_machine_only(machines: Machines) -> None:
    machines.run("node1", "ipcontroller").says("ready")
    file = machines.copy("engine", "node1", machines.place / "there")
    engine = machines.run("node2", "ipengine", f"--file={file}")
    engine.says("The controller listens on node1 for that machine only")
    assert "127.0.0.1:" in engine.output and "Connection refused (ECONNREFUSED)" in engine.output
    assert "ipcontroller --ip='*'" in engine.output
