"""Engines by ssh on three machines that share no directory."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

import engineroom as er
from engineroom.settings.profiles import Profile
from tests.real.sshd import SshHosts

CONFIG = """\
c = get_config()
c.Cluster.engine_launcher_class = 'SSH'
c.SSHLauncher.ssh_args = {ssh_args!r}
c.SSHLauncher.remote_python = {python!r}
"""


@pytest.fixture
def configure(profile: Profile, ssh_hosts: SshHosts) -> Callable[[str], Profile]:
    """Return what writes the profile's ipcluster_config.py: how to reach the machines, and more lines."""

    def write(more: str, *ssh_args: str) -> Profile:
        profile.path.mkdir(parents=True, exist_ok=True)
        text = CONFIG.format(ssh_args=["-F", str(ssh_hosts.config), *ssh_args], python=ssh_hosts.python)
        (profile.path / "ipcluster_config.py").write_text(text + more)
        return profile

    return write


def test_sixteen_engines_on_three_machines(configure, ssh_hosts: SshHosts) -> None:
    configure("c.SSHEngineSetLauncher.engines = {'node1': 5, 'node2': 5, 'node3': 6}\n")
    with er.Cluster() as rc:
        assert rc.ids == list(range(16))
        assert rc[:].apply_sync(socket.gethostname) == ["node1"] * 5 + ["node2"] * 5 + ["node3"] * 6
