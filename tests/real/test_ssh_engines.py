"""Engines by ssh on three machines that share no directory."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from pathlib import Path

import psutil
import pytest

import engineroom as er
from engineroom.protocol.connection_files import read_connection_file
from tests.patience import SECONDS
from tests.real.sshd import SshHosts
from tests.system.conftest import answers, until

SSH = "c.Cluster.engine_launcher_class = 'SSH'"


def engines(places: object) -> str:
    return f"c.SSHEngineSetLauncher.engines = {places!r}"


def files_below(directory: Path) -> list[str]:
    """Return what is left on a machine but logs and IPython's own directories."""
    found = (path for path in directory.rglob("*") if path.is_file() or path.is_socket())
    return [str(path) for path in found if "log" not in path.parent.name]


def arguments_and_environments() -> str:
    """Return those of all processes that may be looked at."""
    seen = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            seen += [*process.cmdline(), *process.environ().values()]
    return "\n".join(seen)


def sockets() -> list[Path]:
    return list(Path(os.environ["ENGINEROOM_SOCKET_DIR"]).glob("*"))


def test_sixteen_engines_on_three_machines(ssh_profile, ssh_hosts: SshHosts) -> None:
    """And no key is seen on any of them, in no argument and no environment: one kernel has all their processes here."""
    options = "c.SSHLauncher.environment = {'OF_MINE': 'x'}"
    profile = ssh_profile(SSH, engines({"node1": 5, "node2": 5, "node3": 6}), options)
    cluster = er.Cluster()
    with cluster as rc:
        assert rc.ids == list(range(16))
        assert rc[:].apply_sync(socket.gethostname) == ["node1"] * 5 + ["node2"] * 5 + ["node3"] * 6
        assert rc[:].apply_sync(os.getenv, "OF_MINE") == ["x"] * 16
        info = read_connection_file(profile.connection_file("engine", cluster.cluster_id))
        seen = arguments_and_environments()
        assert info.exec_key not in seen
        assert "engineroom remote host" in seen
    assert [files_below(ssh_hosts.home(name)) for name in ssh_hosts.addresses] == [[], [], []]
    assert not sockets()


def test_a_wrong_name_among_good_ones_and_more_engines_than_there_are(ssh_profile, command) -> None:
    ssh_profile(SSH, engines({"node1": 1, "no-such-node": 2, "node2": 1}))
    start = command("ipcluster", "start", "-n", "5").says("2 engines are ready")
    start.says("2 engines did not start on no-such-node: there is no machine of that name")
    start.says("has 4 engines in all, and not 5")
    start.signal(signal.SIGINT).succeeds()


def test_the_old_forms_of_the_dictionary(ssh_profile, ssh_hosts: SshHosts) -> None:
    """As the first documentation of such clusters has it: numbers, and a pair with arguments for one machine."""
    elsewhere = ssh_hosts.home("node3") / "different" / "location"
    # Nor does it matter what shells say before.
    startup = ssh_hosts.home("node1") / ".bashrc"
    startup.write_text("echo 'Welcome to {node1}'; echo '\"quoted\"' >&2; printf 'no end of line'\n")
    profile = ssh_profile(
        "c.IPClusterEngines.engine_launcher_class = 'SSHEngineSetLauncher'",
        "c.SSHEngineSetLauncher.engine_args = ['--profile-dir=~/usual']",
        engines({"node1": 1, "root@node2:22": {"n": 1}, "node3": (1, [f"--profile-dir={elsewhere}", "--c=a = 7"])}),
    )
    with er.Cluster() as rc:
        assert rc[:].apply_sync(socket.gethostname) == ["node1", "node2", "node3"]
        assert rc[2]["a"] == 7
        assert list((elsewhere / "log").glob("ipengine*.log"))
        assert list((ssh_hosts.home("node2") / "usual" / "log").glob("ipengine*.log"))
    startup.unlink()
    assert len(list(profile.log_dir.glob("ipengine-*"))) == 3


def test_sets_are_signalled_restarted_and_stopped_across_machines(ssh_profile) -> None:
    ssh_profile(SSH, engines({"node1": 1, "node2": 1}))
    cluster = er.Cluster()
    with cluster as rc:
        more = cluster.start_engines_sync(2, "more")
        rc.wait_for_engines(4, timeout=SECONDS)
        rc[:].push({"a": 1}, block=True)
        cluster.restart_engines_sync(more)
        assert answers(rc, [0, 1, 2, 3], socket.gethostname) == ["node1", "node2", "node1", "node2"]
        assert rc[:2].pull("a", block=True) == [1, 1]
        with pytest.raises(er.CompositeError):
            rc[2:].pull("a", block=True)
        slow = rc[0].execute("print('begun', flush=True); import time; time.sleep(30)", block=False)
        until(lambda: "begun" in slow.stdout)
        cluster.signal_engines_sync(signal.SIGINT)
        with pytest.raises(er.RemoteError, match="KeyboardInterrupt"):
            slow.get(timeout=SECONDS)
        cluster.stop_engines_sync(more)
        until(lambda: rc.ids == [0, 1])


def test_a_killed_engine_is_reported_with_its_cause_and_its_log(ssh_profile, command) -> None:
    log_file = ssh_profile(SSH, engines({"node1": 1, "node2": 1})).log_file("ipengine", "", "1")
    start = command("ipcluster", "start", "--no-restart-engines").says("2 engines are ready")
    with er.Client() as rc:
        rc[1].execute("import threading; threading.Timer(0.1, print, ['these were its last words']).start()")
        until(lambda: "these were its last words" in (log_file.read_text() if log_file.exists() else ""))
        os.kill(rc[1].apply_sync(os.getpid), signal.SIGKILL)
        start.says("engine 1 died: killed by SIGKILL, on node2")
        until(lambda: rc.ids == [0])
    assert str(log_file) in start.output
    start.signal(signal.SIGINT).succeeds()


def test_what_is_wrong_is_said_in_words(ssh_profile, ssh_hosts: SshHosts, command) -> None:
    ssh_args = ["-F", str(ssh_hosts.config)]
    wrong = {
        "node1": ({"remote_python": "/no/such/python"}, "there is no /no/such/python there"),
        "node2": ({"remote_python": "/usr/bin/python3"}, "Python there (/usr/bin/python3)"),
        "nobody-at-all@node1": ({}, "the login was refused"),
        "root@node1": ({"environment_script": "~/no-such-script"}, "its environment_script ~/no-such-script failed"),
        "root@node2": ({"ssh_cmd": ["no-such-ssh"]}, "no-such-ssh can't be started here"),
        "127.0.0.1:1": ({}, "nothing listens on its ssh port"),
        "node3": ({"ssh_args": [*ssh_args, "-o", "UserKnownHostsFile=/dev/null"]}, "ssh does not know its host key"),
        "root@node3": ({"engine_args": ["--no-such-option=1"]}, "unknown option --no-such-option"),
    }
    ssh_profile(SSH, engines({place: {"n": 1, **options} for place, (options, _) in wrong.items()}))
    start = command("ipcluster", "start")
    assert start.ends() == 1
    for place, (_, words) in wrong.items():
        assert f"1 engine did not start on {place}: " in start.output
        assert words in start.output


def test_a_proxy_hands_on_to_what_its_own_profile_says(ssh_profile, ssh_hosts: SshHosts) -> None:
    """As on a login node, whose profile says by which batch system engines start; here it is by a command."""
    ipengine = ssh_hosts.python.rpartition("/")[0] + "/ipengine"
    there = ssh_hosts.home("node2") / ".ipython" / "profile_there"
    there.mkdir(parents=True)
    (there / "ipcluster_config.py").write_text(f"c.LocalEngineSetLauncher.engine_cmd = [{ipengine!r}]\n")
    ssh_profile(
        "c.Cluster.engine_launcher_class = 'SSHProxy'",
        "c.SSHProxyEngineSetLauncher.hostname = 'node2'",
        "c.SSHProxyEngineSetLauncher.ipcluster_args = ['--profile=there']",
    )
    with er.Cluster(n=2) as rc:
        assert rc[:].apply_sync(socket.gethostname) == ["node2", "node2"]
    assert files_below(there) == [str(there / "ipcluster_config.py")]
