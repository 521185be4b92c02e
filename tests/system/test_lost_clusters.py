"""Clusters whose files are gone: they are listed, named to whoever looks for one, and stopped."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from engineroom import Client
from engineroom.errors import ConnectionFileError
from engineroom.settings.profiles import Profile
from tests.system.conftest import Command, until
from tests.system.in_process import ipcluster

Start = Callable[..., Command]


@pytest.fixture
def lost(command: Start, profile: Profile, tmp_path: Path) -> Profile:
    """Return the profile of a cluster in the background whose directory has been removed."""
    place = tmp_path / "somewhere"
    place.mkdir()
    command(
        "ipcluster", "start", "-n", "1", "--daemonize", "--profile-dir=lost", "--cluster-id=x", cwd=place
    ).succeeds()
    shutil.rmtree(place / "lost")
    return Profile(place / "lost")


def test_it_is_listed_with_what_stops_it(command: Start, lost: Profile) -> None:
    stop = f"ipcluster stop --profile-dir={lost.path} --cluster-id=x"
    listed = ipcluster("list").succeeds()
    row = listed.lines[1].split()
    assert row[:5] == [str(lost.path), "x", "True", "1", "LocalEngineSetLauncher"]
    assert row[-1] == str(lost.path.parent)
    assert f"  {stop}\n" in listed.lines
    [one] = json.loads(ipcluster("list", "-o", "json").succeeds().output)
    assert (one["cluster"]["cluster_id"], one["running"], one["started_in"]) == ("x", True, str(lost.path.parent))
    assert one["controller"]["state"]["pid"]
    other = ipcluster("stop")
    assert other.ends() == 11
    assert f"This cluster is running: `{stop}`" in other.output
    command(*stop.split()).succeeds()
    assert ipcluster("list").succeeds().output == "no clusters\n"


def test_a_profile_does_not_list_what_is_another_s(command: Start, lost: Profile) -> None:
    assert ipcluster("list", "--profile=default").succeeds().output == "no clusters\n"
    said = ipcluster("stop", "--all").succeeds().output
    assert said.startswith("no clusters of this profile are running. This cluster is running: `ipcluster stop ")
    ipcluster("clean").succeeds()
    assert "True" in ipcluster("list").succeeds().output
    assert "stopped cluster 'x'" in ipcluster("clean", "--all", "--force").succeeds().output


def test_all_of_a_profile_are_stopped_though_its_files_are_gone(command: Start, lost: Profile) -> None:
    stopped = ipcluster("stop", "--all", f"--profile-dir={lost.path}").succeeds()
    assert stopped.output.startswith("stopped cluster 'x'")


def test_a_host_that_does_not_answer_is_listed_by_its_process(command: Start, lost: Profile) -> None:
    [one] = json.loads(ipcluster("list", "-o", "json").succeeds().output)
    os.kill(one["pid"], signal.SIGSTOP)
    try:
        listed = ipcluster("list").succeeds()
        assert listed.lines[1].split()[:3] == ["?", "x", "True"]
        assert f"  kill {one['pid']}\n" in listed.lines
    finally:
        os.kill(one["pid"], signal.SIGCONT)
    os.kill(one["pid"], signal.SIGTERM)
    until(lambda: ipcluster("list").succeeds().output == "no clusters\n")


def test_a_controller_by_hand_without_files_is_listed(command: Start, profile: Profile) -> None:
    controller = command("ipcontroller", "--cluster-id=y").says("controller listens")
    shutil.rmtree(profile.path)
    listed = ipcluster("list").succeeds()
    assert listed.lines[1].split()[:5] == ["?", "y", "True", "0", "ipcontroller"]
    with pytest.raises(ConnectionFileError, match=r"found no controller: .*does not exist"):
        Client(cluster_id="y", timeout=0)
    controller.signal(signal.SIGTERM).succeeds()
