"""What the documentation shows of clusters by ssh."""

from __future__ import annotations

from tests.reader import Reader
from tests.real.sshd import SshHosts

PAGE = "starting/ssh.md"
CONFIG = ".ipython/profile_ssh/ipcluster_config.py"


def test_engines_and_then_a_controller_on_other_machines(reader: Reader, ssh_hosts: SshHosts) -> None:
    """The machines are reached by an ssh configuration of the test's own, and have engineroom for one Python."""
    reader.follows(PAGE, "ssh-profile")
    reach = (
        f"c.SSHLauncher.ssh_args = ['-F', '{ssh_hosts.config}']\nc.SSHLauncher.remote_python = '{ssh_hosts.python}'\n"
    )
    engines = reader.writes(PAGE, "ssh-engines", CONFIG, after=f"c = get_config()\n{reach}").read_text()
    reader.follows(PAGE, "ssh-start")
    assert reader.runs_python(PAGE, "ssh-use") == "['node1', 'node1', 'node2', 'node3']\n"
    reader.follows(PAGE, "ssh-look")
    reader.writes(PAGE, "ssh-controller", CONFIG, after=engines)
    reader.follows(PAGE, "ssh-controller-start")
    assert (ssh_hosts.home("node3") / "profile_ssh" / "log" / "ipcontroller.log").exists()
