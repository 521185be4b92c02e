"""What networks and people do to engines by ssh: cut cables, killed processes."""

from __future__ import annotations

import os
import signal
import socket

import psutil

import engineroom as er
from engineroom.trail.steps import first_line
from tests.patience import SECONDS
from tests.real.sshd import SshHosts
from tests.real.test_ssh_engines import SSH, engines, files_below, sockets
from tests.system.conftest import processes_of_this_run, until

IMPATIENT = ("-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=2")
"""A connection that is silent for 3 s counts as cut."""


def running(words: str) -> list[int]:
    return [pid for pid, title in processes_of_this_run().items() if words in title]


def test_a_cut_network_costs_nothing(ssh_profile, ssh_hosts: SshHosts, command) -> None:
    """Longer than ssh bears it: engines keep what they have, and finish meanwhile what they were given."""
    ssh_profile(SSH, engines({"node1": 1, "node2": 1}), ssh_args=IMPATIENT)
    start = command("ipcluster", "start").says("2 engines are ready")
    with er.Client() as rc:
        rc[:].push({"a": 7}, block=True)
        before = rc[:].apply_sync(os.getpid)
        working = rc[1].execute("import time; time.sleep(2); b = a + 1", block=False)
        ssh_hosts.cut("node2")
        start.says("the ssh connection to node2 is cut")
        ssh_hosts.mend("node2")
        working.get(timeout=SECONDS)
        start.says("node2 is connected again")
        assert rc[1].pull("b", block=True) == 8
        for pid in running("-- node1 exec"):
            os.kill(pid, signal.SIGKILL)  # an ssh that is killed is as good as cut
        start.says("node1 is connected again")
        assert rc[:].apply_sync(os.getpid) == before
        os.kill(before[1], signal.SIGKILL)  # and what happens there is heard of again
        start.says("engine 1 died: killed by SIGKILL, on node2")
    start.signal(signal.SIGINT).succeeds()
    assert not sockets()


def test_nothing_is_left_of_a_killed_ipcluster(ssh_profile, ssh_hosts: SshHosts, command) -> None:
    ssh_profile(SSH, engines({"node1": 2, "node2": 1}))
    before = set(processes_of_this_run())
    start = command("ipcluster", "start").says("3 engines are ready")
    start.signal(signal.SIGKILL)
    until(lambda: set(processes_of_this_run()) <= before)
    assert [files_below(ssh_hosts.home(name)) for name in ("node1", "node2")] == [[], []]
    assert not [path for path in sockets() if path.suffix == ".remote"]


def test_nothing_is_left_of_engines_whose_controller_is_somebody_elses(ssh_profile, ssh_hosts, command) -> None:
    ssh_profile(SSH, engines({"node1": 1, "node2": 1}))
    controller = command("ipcontroller", "--ip=*")
    before = set(processes_of_this_run())
    started = command("ipcluster", "engines").says("2 engines are ready")
    with er.Client() as rc:
        assert sorted(rc[:].apply_sync(socket.gethostname)) == ["node1", "node2"]
    started.signal(signal.SIGKILL)
    until(lambda: set(processes_of_this_run()) <= before | {controller.process.pid})
    controller.signal(signal.SIGINT).succeeds()


def test_a_killed_host_there_takes_its_engines_along(ssh_profile, command) -> None:
    ssh_profile(SSH, engines({"node1": 1, "node2": 1}))
    start = command("ipcluster", "start").says("2 engines are ready")
    with er.Client() as rc:
        engine = psutil.Process(rc[1].apply_sync(os.getpid))
        host = engine.parent().parent()
        assert "remote host" in " ".join(host.cmdline())
        host.kill()
        start.says("engine 1 died: node2: the host there has ended")
        until(lambda: rc.ids == [0])
    start.signal(signal.SIGINT).succeeds()


def test_ipcluster_stop_leaves_nothing_there(ssh_profile, ssh_hosts: SshHosts, command) -> None:
    profile = ssh_profile(SSH, engines({"node1": 2, "node3": 1}))
    before = set(processes_of_this_run())
    steps_there = ssh_hosts.home("node1") / ".ipython" / "profile_default" / "log" / "steps.jsonl"
    steps_there.parent.mkdir(parents=True, exist_ok=True)
    with steps_there.open("a") as file:
        file.write("of an earlier start\n")
    command("ipcluster", "start", "--daemonize").succeeds()
    command("ipcluster", "stop").succeeds()
    assert "of an earlier start" not in steps_there.read_text()
    assert first_line(steps_there) == first_line(profile.steps_file())
    until(lambda: set(processes_of_this_run()) <= before)
    assert [files_below(ssh_hosts.home(name)) for name in ("node1", "node3")] == [[], []]
    assert not sockets()
    command("ipcluster", "logs", "--lines=0").succeeds().says("registered  engine=2")
    assert profile.log_file("ipengine", "", "2").exists()
