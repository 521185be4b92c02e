"""A new kind of launcher is one file of forty lines, and every way to start something knows it."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engineroom import Client, Cluster
from engineroom.settings.profiles import Profile
from tests.system.conftest import Command
from tests.system.in_process import ipcluster

FILE = Path(__file__).with_name("marked_launcher.py")
CLASS = "marked_launcher.MarkedLauncher"

Start = Callable[..., Command]


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: Profile) -> Path:
    """Install the launcher as a package would, and return where."""
    site = tmp_path / "site"
    metadata = site / "marked-1.0.dist-info"
    metadata.mkdir(parents=True)
    shutil.copy(FILE, site)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: marked\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[engineroom.launchers]\nmarked = {CLASS.replace('.M', ':M')}\n")
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.syspath_prepend(site)
    monkeypatch.delitem(sys.modules, "marked_launcher", raising=False)
    return site


def mark_of(rc: Client) -> list[str]:
    return rc[:].apply_sync(lambda: __import__("os").environ["MARK"])


def stop(command: Start) -> None:
    ipcluster("stop").succeeds()


def test_it_is_short() -> None:
    assert len(FILE.read_text().splitlines()) <= 40


def test_by_a_command(command: Start, profile: Profile) -> None:
    command(
        *("ipcluster", "start", "-n", "2", "--engines=marked", f"--controller={CLASS}", "--daemonize"),
        *("--MarkedLauncher.mark=red", "--EngineLauncher.engine_args=--IPEngine.startup_command=x = 5"),
    ).succeeds()
    try:
        with Client() as rc:
            assert (mark_of(rc), rc[:]["x"]) == (["red"] * 2, [5, 5])
        described = json.loads(profile.cluster_file().read_text())
        assert described["controller"]["state"]["handle"]["words"] == "marked red"
        assert json.loads(profile.connection_file("client").read_text()).get("addresses", []) == []  # nobody elsewhere
        command("ipcluster", "why").succeeds().says("all is well: 2 engines")
    finally:
        stop(command)


def test_by_a_profiles_file(command: Start, profile: Profile) -> None:
    profile.path.mkdir(parents=True)
    (profile.path / "ipcluster_config.py").write_text(
        'c.Cluster.n = 1\nc.Cluster.engine_launcher_class = "marked"\nc.MarkedLauncher.mark = "green"\n'
    )
    assert "MarkedLauncher.mark" in command("ipcluster", "config").succeeds().output
    command("ipcluster", "start", "--daemonize").succeeds()
    try:
        with Client() as rc:
            assert mark_of(rc) == ["green"]
    finally:
        stop(command)


@pytest.mark.parametrize("given", ["marked", CLASS, "the class itself"])
def test_from_python(given: str) -> None:
    import marked_launcher  # it has just been installed

    engines = marked_launcher.MarkedLauncher if given == "the class itself" else given
    with Cluster(n=1, engines=engines) as rc:
        assert mark_of(rc) == ["plain"]


def test_by_a_dry_run(command: Start) -> None:
    shown = command("ipcluster", "start", "-n", "3", "--engines=marked", "--controller=marked", "--dry-run").succeeds()
    assert (
        "# 3 engines, by marked_launcher.MarkedLauncher:\n$ env MARK=plain ...   # the engine, 3 times" in shown.output
    )
    assert "$ env MARK=plain ...   # the controller, 1 times" in shown.output


@pytest.mark.parametrize("what", ["engines", "controller"])
def test_why_it_did_not_start(what: str, command: Start) -> None:
    start = command("ipcluster", "start", "-n", "1", f"--{what}=marked", "--MarkedLauncher.mark=1")
    assert start.ends() == 1
    why = command("ipcluster", "why")
    why.ends()
    who = {"engines": "engine set 1", "controller": "controller"}[what]
    assert why.output.startswith(f"{who}: '1' is no mark\n")
    assert why.output.count(f"{who}: submitted FAILED") == 1
    assert f"{who}: listens FAILED" not in why.output
