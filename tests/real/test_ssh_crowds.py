"""More connections at once than an sshd takes."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

import engineroom as er
from tests.real.sshd import SshHosts
from tests.real.test_ssh_engines import SSH, engines
from tests.system.conftest import until


@pytest.fixture
def port(ssh_hosts: SshHosts) -> Iterator[str]:
    """That of an sshd on `node2` which hears two newcomers at a time."""
    sshd = ssh_hosts.start_sshd("node2", Port="23", MaxStartups="2", PidFile="none")
    until(lambda: ssh_hosts.ssh("node2", "-p", "23", "true").returncode == 0)
    yield "23"
    sshd.terminate()
    sshd.communicate()


def test_hosts_on_one_machine_start_at_once_though_its_sshd_hangs_up(ssh_profile, port: str, ssh_hosts) -> None:
    """Nor does any of them take another's files, which are in the same profile, for what is left of a dead one."""
    hosts = ["node2", "root@node2", ssh_hosts.addresses["node2"]]
    places = [f"{host}:{zeros}{port}" for host in hosts for zeros in ("", "0")]
    ssh_profile(SSH, engines(dict.fromkeys(places, 1)))
    with er.Cluster() as rc:
        assert rc[:].apply_sync(socket.gethostname) == ["node2"] * len(places)
