"""Hosts on other machines that break: the words for it reach the terminal here. The ssh is a pretend one."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil

from engineroom import Client
from engineroom.settings.profiles import Profile
from tests.patience import SECONDS
from tests.system.conftest import Command, answers
from tests.system.fake_ssh import fake_ssh, ssh_options


def test_a_spawner_that_is_killed_there_is_told_here_with_what_it_took_along(
    command: Callable[..., Command], profile: Profile, tmp_path: Path
) -> None:
    profile.path.mkdir(parents=True)
    (profile.path / "ipcluster_config.py").write_text(ssh_options(tmp_path, node1=1, node2=1))
    start = command("ipcluster", "start").says("2 engines are ready")
    with Client(timeout=SECONDS) as rc:
        spawner = psutil.Process(rc[1].apply_async(os.getpid).get(timeout=SECONDS)).parent()
        assert spawner is not None
        spawner.kill()
        start.says(f"node2: the spawner (pid {spawner.pid}) ended: killed by SIGKILL. It is restarted")
        start.says("engine 1 died: the spawner")
        assert answers(rc, [1], os.getpid)
    start.signal(signal.SIGINT).succeeds()


def test_a_controller_that_is_killed_there_is_restarted_there_and_told_here(
    command: Callable[..., Command], profile: Profile, tmp_path: Path
) -> None:
    profile.path.mkdir(parents=True)
    (profile.path / "ipcluster_config.py").write_text(
        "c = get_config()\n"
        "c.Cluster.controller_launcher_class = 'SSH'\n"
        "c.SSHControllerLauncher.hostname = 'node3'\n"
        f"c.SSHLauncher.ssh_cmd = [{str(fake_ssh(tmp_path))!r}]\n"
        f"c.SSHLauncher.remote_python = {sys.executable!r}\n"
    )
    start = command("ipcluster", "start", "-n", "1").says("1 engine is ready")
    state = json.loads(profile.cluster_file().read_text())["controller"]["state"]
    with Client(timeout=SECONDS) as rc:
        before = rc[0].apply_sync(os.getpid)
        os.kill(state["pid"], signal.SIGKILL)
        start.says(f"node3: the ipcontroller (pid {state['pid']}) ended: killed by SIGKILL. It is restarted")
        start.says("node3: the controller is running again")
        rc.wait_for_engines(1, timeout=SECONDS)
        assert answers(rc, [0], os.getpid) == [before]
    start.signal(signal.SIGINT).succeeds()
