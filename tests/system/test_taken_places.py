"""Clusters start and stop though somebody else has taken the place for their sockets."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engineroom import Client
from engineroom.cluster.records.leftovers import control_socket
from engineroom.protocol.connection_files import read_connection_file
from engineroom.settings.profiles import Profile
from tests.patience import SECONDS
from tests.system.conftest import Command
from tests.system.in_process import ipcluster

ANOTHER = 65534


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The place for sockets, as somebody else made it; another one is free."""
    tmp = Path(tempfile.mkdtemp(prefix="er-", dir="/tmp"))
    place = tmp / "taken"
    if os.getuid() == 0:
        place.mkdir()
        os.chown(place, ANOTHER, ANOTHER)
    else:
        place.touch()
    monkeypatch.setenv("ENGINEROOM_SOCKET_DIR", str(place))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp))
    yield place
    shutil.rmtree(tmp)


def test_a_place_that_is_taken_is_told_once_and_the_cluster_starts_and_stops(
    command: Callable[..., Command], profile: Profile, taken: Path
) -> None:
    start = command("ipcluster", "start", "-n", "1").says("stop it:")
    assert start.output.count(str(taken)) == 1
    assert "ENGINEROOM_SOCKET_DIR" in start.output
    with Client(timeout=SECONDS) as rc:
        assert rc[:].apply_sync(os.getuid) == [os.getuid()]
    sockets = [Path(read_connection_file(profile.connection_file("client")).socket), control_socket(profile, "")]
    assert all(path.is_socket() and taken not in path.parents for path in sockets)
    assert "default" in ipcluster("list").succeeds().output
    ipcluster("stop").succeeds()
    start.succeeds()
    assert [path for path in sockets if path.exists()] == []


def test_a_directory_of_ours_that_others_can_enter_is_mended_and_used(
    command: Callable[..., Command], profile: Profile, taken: Path
) -> None:
    shutil.rmtree(taken) if taken.is_dir() else taken.unlink()
    taken.mkdir(mode=0o755)
    start = command("ipcluster", "start", "-n", "0").says("stop it:")
    assert f"the mode of {taken} from 755 to 700" in start.output
    assert Path(read_connection_file(profile.connection_file("client")).socket).parent == taken
    ipcluster("stop").succeeds()
    start.succeeds()
