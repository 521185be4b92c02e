"""Starts by ssh that fail: the host, the interpreter and the module are named. The ssh is a pretend one."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engineroom import Cluster
from engineroom.cluster.why import report as why_report
from engineroom.cluster.why.report import as_text
from engineroom.errors import LaunchError
from engineroom.settings.profiles import Profile
from tests.patience import slowly
from tests.system.conftest import Command
from tests.system.fake_ssh import ssh_options

Commands = Callable[..., Command]

NAMED_WITHIN = 5.0


def why(profile: Profile) -> str:
    """Return the answer and the fix, without the steps."""
    return as_text(why_report.why(profile, "")).partition("steps:")[0]


def configure(profile: Profile, directory: Path, more: str = "", **engines: int) -> None:
    profile.path.mkdir(parents=True)
    (profile.path / "ipcluster_config.py").write_text(ssh_options(directory, **engines) + more)


@pytest.mark.parametrize(
    ("host", "words", "fix"),
    [
        ("nowhere", "nowhere: there is no machine of that name", "Check its name"),
        ("closed", "closed: nothing listens on its ssh port", "See that sshd runs there"),
    ],
)
def test_a_host_that_can_not_be_reached(
    command: Commands, profile: Profile, tmp_path: Path, host: str, words: str, fix: str
) -> None:
    configure(profile, tmp_path, **{host: 1})
    began = time.monotonic()
    started = command("ipcluster", "start")
    assert started.ends() == 1
    assert time.monotonic() - began < slowly(NAMED_WITHIN)
    for said in (started.output, why(profile)):
        assert words in said
        assert fix in said


def test_one_host_of_two_is_not_there(command: Commands, profile: Profile, tmp_path: Path) -> None:
    configure(profile, tmp_path, node1=1, nowhere=1)
    started = command("ipcluster", "start").says(" ready (")
    said = why(profile)
    assert said.startswith("engines on nowhere: there is no machine of that name")
    assert "fix: Check its name" in said
    started.signal(signal.SIGINT).ends()
    began = time.monotonic()
    with pytest.raises(LaunchError, match=r"(?s)there is no machine of that name.*Check its name"):
        Cluster().start_and_connect_sync()
    assert time.monotonic() - began < slowly(NAMED_WITHIN)


def test_an_interpreter_that_is_not_there_and_one_without_engineroom(
    command: Commands, profile: Profile, tmp_path: Path
) -> None:
    configure(profile, tmp_path, "c.SSHLauncher.remote_python = '/no/such/python'\n", node1=1)
    started = command("ipcluster", "start")
    assert started.ends() == 1
    for said in (started.output, why(profile)):
        assert "there is no /no/such/python there" in said
        assert "c.SSHLauncher.remote_python" in said
    bare = tmp_path / "bare"
    bare.write_text(f'#!/bin/sh\nexec {os.path.realpath(sys.executable)} -S "$@"\n')
    bare.chmod(0o755)
    (profile.path / "ipcluster_config.py").write_text(
        ssh_options(tmp_path, node1=1) + f"c.SSHLauncher.remote_python = {str(bare)!r}\n"
    )
    with pytest.raises(LaunchError, match="has no engineroom") as raised:
        Cluster().start_and_connect_sync()
    for said in (str(raised.value), why_of_the_last(profile)):
        assert "has no engineroom" in said
        assert "Install it there" in said


def test_without_a_configured_python_the_first_that_has_engineroom_is_used(
    command: Commands, profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The PATH there has Pythons without engineroom first; this interpreter is at the same path there.
    for name in ("python3", "python"):
        bare = tmp_path / "bin" / name
        bare.parent.mkdir(exist_ok=True)
        bare.write_text(f'#!/bin/sh\nexec {os.path.realpath(sys.executable)} -S "$@"\n')
        bare.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    configure(profile, tmp_path, "del c.SSHLauncher['remote_python']\n", node1=1)
    with Cluster() as rc:
        assert rc[0].apply_sync(lambda: __import__("sys").executable) == sys.executable


def why_of_the_last(profile: Profile) -> str:
    """Return what is said of the cluster that was started last."""
    last = max(profile.log_dir.glob("steps*.jsonl"), key=lambda path: path.stat().st_mtime)
    return as_text(why_report.why(profile, last.stem.removeprefix("steps").removeprefix("-"))).partition("steps:")[0]
