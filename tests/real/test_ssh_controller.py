"""A controller by ssh, on a machine of its own."""

from __future__ import annotations

import os
import signal
import socket
import stat

import engineroom as er
from engineroom.protocol.connection_files import read_connection_file
from tests.real.sshd import SshHosts
from tests.real.test_ssh_engines import SSH, engines, files_below, sockets
from tests.real.test_ssh_faults import IMPATIENT, running
from tests.system.conftest import processes_of_this_run, until

CONTROLLER = "c.Cluster.controller_launcher_class = 'SSH'"
NODE3 = "c.SSHControllerLauncher.hostname = 'node3'"


def test_a_controller_on_one_machine_and_engines_on_two_others(ssh_profile, ssh_hosts: SshHosts) -> None:
    """Its connection files are here, for clients; and they stay right from start to start, for --reuse is implied."""
    profile = ssh_profile(SSH, engines({"node1": 1, "node2": 2}), CONTROLLER, NODE3)
    file = profile.connection_file("client", "away")
    cluster = er.Cluster(cluster_id="away")
    with cluster as rc:
        assert rc[:].apply_sync(socket.gethostname) == ["node1", "node2", "node2"]
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        before = read_connection_file(file)
        assert before.host == "node3"
    assert "engine joined" in profile.log_file("ipcontroller", "away").read_text()
    again = er.Cluster(cluster_id="away")
    again.start_controller_sync()
    now = read_connection_file(file)
    again.stop_cluster_sync()
    assert (now.url, now.exec_key, now.certificate) == (before.url, before.exec_key, before.certificate)


def test_what_is_not_to_be_reused_is_taken_away(ssh_profile, ssh_hosts: SshHosts, command) -> None:
    more = "c.SSHControllerLauncher.controller_args = ['--reuse=False', '--profile-dir=~/for/this']"
    profile = ssh_profile(CONTROLLER, NODE3, more)
    before = set(processes_of_this_run())
    command("ipcluster", "start", "-n", "1", "--daemonize").succeeds()
    assert (ssh_hosts.home("node3") / "for" / "this" / "pid").is_dir()
    command("ipcluster", "stop").succeeds()
    until(lambda: set(processes_of_this_run()) <= before)
    assert not [path for path in files_below(ssh_hosts.home("node3") / "for" / "this") if "-engine" in path]
    assert not list(profile.security_dir.glob("ipcontroller*"))
    assert not sockets()


def test_a_cut_to_the_controller_is_bridged(ssh_profile, ssh_hosts: SshHosts, command) -> None:
    ssh_profile(CONTROLLER, NODE3, ssh_args=IMPATIENT)
    start = command("ipcluster", "start", "-n", "1").says("1 engine is ready")
    with er.Client() as rc:
        before = rc[0].apply_sync(os.getpid)
        ssh_hosts.cut("node3")
        start.says("the ssh connection to node3 is cut")
        ssh_hosts.mend("node3")
        start.says("node3 is connected again")
        assert rc[0].apply_sync(os.getpid) == before
    start.signal(signal.SIGINT).succeeds()


def test_nothing_is_left_of_a_killed_ipcluster(ssh_profile, command) -> None:
    more = "c.SSHControllerLauncher.controller_args = ['--reuse=False']"
    profile = ssh_profile(SSH, engines({"node1": 1}), CONTROLLER, NODE3, more)
    before = set(processes_of_this_run())
    start = command("ipcluster", "start").says("1 engine is ready")
    assert files_below(profile.pid_dir)
    assert files_below(profile.security_dir)
    start.signal(signal.SIGKILL)
    until(lambda: set(processes_of_this_run()) <= before)
    assert not sockets()
    assert not files_below(profile.pid_dir)
    assert not files_below(profile.security_dir)


def test_a_killed_controller_that_is_not_restarted_ends_the_cluster_with_words(ssh_profile, command) -> None:
    ssh_profile(CONTROLLER, NODE3)
    start = command("ipcluster", "start", "-n", "1", "--no-restart-controller").says("1 engine is ready")
    (controller,) = running("engineroom controller")
    os.kill(controller, signal.SIGKILL)
    assert start.ends() == 1
    assert "killed by SIGKILL" in start.output


def test_what_is_wrong_with_a_controller_is_said_in_words(ssh_profile, command) -> None:
    ssh_profile(CONTROLLER, NODE3, "c.SSHControllerLauncher.controller_args = ['--prots=1']")
    start = command("ipcluster", "start", "-n", "1")
    assert start.ends() == 1
    assert "the controller did not start on node3" in start.output
    assert "prots" in start.output


def test_a_command_of_the_users_own_and_files_sent_and_fetched(ssh_profile, ssh_hosts: SshHosts, tmp_path) -> None:
    ipcontroller = ssh_hosts.python.rpartition("/")[0] + "/ipcontroller"
    (tmp_path / "sent.txt").write_text("there and back")
    ssh_profile(
        CONTROLLER,
        NODE3,
        f"c.SSHControllerLauncher.controller_cmd = [{ipcontroller!r}]",
        f"c.SSHControllerLauncher.to_send = [({str(tmp_path / 'sent.txt')!r}, 'a/sent.txt')]",
        f"c.SSHControllerLauncher.to_fetch = [('a/sent.txt', {str(tmp_path / 'b' / 'fetched.txt')!r})]",
    )
    with er.Cluster(n=1, cluster_id="own") as rc:
        assert rc[:].apply_sync(abs, -1) == [1]
        assert (tmp_path / "b" / "fetched.txt").read_text() == "there and back"
