"""The machines that the other tests use are what they should be."""

from __future__ import annotations

from tests.real.sshd import SshHosts


def test_each_machine_has_its_own_name_and_home(ssh_hosts: SshHosts) -> None:
    for name in ssh_hosts.addresses:
        found = ssh_hosts.ssh(name, "hostname; echo $HOME; getent hosts node2")
        assert found.stdout.split()[:2] == [name, str(ssh_hosts.home(name))], found
        assert ssh_hosts.addresses["node2"] in found.stdout
