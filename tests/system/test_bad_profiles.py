"""Profiles that can't be used, ports that are taken, clusters that run already: each command says so in words."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engineroom import Client, Cluster
from engineroom.errors import LaunchError
from engineroom.settings.profiles import Profile
from tests.patience import SECONDS
from tests.system.conftest import Command
from tests.system.in_process import Done, ipcluster

Start = Callable[..., Command]

NOBODY = 65534
ROOT = os.getuid() == 0

STARTS = [("ipcluster", "start", "-n", "1"), ("ipcontroller",)]


Starts = Callable[..., Command | Done]


@pytest.fixture(params=STARTS, ids=lambda start: start[0])
def starts(request: pytest.FixtureRequest, command: Start) -> Starts:
    """Return what starts a cluster or a lone controller, waits for its end, and finds no traceback in its words.

    `begins`: it does not end before it has become a host or a controller.
    """

    def start(*arguments: str, code: int = 1, begins: bool = False, **options: Any) -> Command | Done:
        program, *rest = request.param
        if program == "ipcluster" and not begins and not options:
            started: Command | Done = ipcluster(*rest, *arguments)
        else:
            started = command(program, *rest, *arguments, **options)
        assert started.ends() == code, started.output
        assert "Traceback" not in started.output
        return started

    return start


def test_a_profile_that_is_a_file(starts: Starts, tmp_path: Path) -> None:
    path = tmp_path / "profile_file"
    path.write_text("not a directory")
    said = starts(f"--profile-dir={path}").output
    assert f"the profile directory {path} can't be made: " in said
    assert "Set IPYTHONDIR to a directory that you can write to" in said


def test_a_profile_below_a_file(starts: Starts, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    said = starts(f"--profile-dir={tmp_path / 'home' / 'profile_x'}").output
    assert "can't be used: Not a directory" in said


def without_roots_privilege() -> None:
    """In a child before `exec`: root loses the right to write where the mode forbids it (see capabilities(7))."""
    drop_from_bounding_set, dac_override = 24, 1
    ctypes.CDLL(None).prctl(drop_from_bounding_set, dac_override, 0, 0, 0)


@pytest.fixture
def lock() -> Iterator[Callable[[Path], None]]:
    """Yield what makes a directory read-only until the test is over."""
    locked = []

    def make_read_only(directory: Path) -> None:
        directory.chmod(0o500)
        locked.append(directory)

    yield make_read_only
    for directory in locked:
        directory.chmod(0o755)


HOMES = {"HOME": "", "IPYTHONDIR": ""}, {"HOME": "{file}", "IPYTHONDIR": ""}, {"IPYTHONDIR": "{file}/below"}


@pytest.mark.parametrize("environment", HOMES)
def test_a_home_that_is_none(
    command: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    (tmp_path / "file").write_text("")
    for name, value in environment.items():
        monkeypatch.setenv(name, value.format(file=tmp_path / "file"))
    said = [
        ipcluster(name) for name in ("start", "engines", "stop", "list", "clean", "logs", "why", "console", "config")
    ]
    for asked in (*said, command("ipcluster", "start")):
        assert asked.ends() in (1, 2), asked.output
        assert "Set IPYTHONDIR to a directory that you can write to (export IPYTHONDIR=" in asked.output
        assert "Traceback" not in asked.output
    controller = command("ipcontroller", "--profile-dir", str(tmp_path / "mine"))
    controller.says("ready").signal(signal.SIGINT).ends()


@pytest.mark.parametrize("part", ["log", "pid"])
def test_a_profile_that_is_not_writable(
    starts: Starts, profile: Profile, lock: Callable[[Path], None], part: str
) -> None:
    profile.prepare()
    lock(profile.path / part)
    said = starts(preexec_fn=without_roots_privilege).output
    assert f"{profile.path / part} is not writable for " in said
    assert "chmod u+rwx" in said
    assert "--profile, --profile-dir or $IPYTHONDIR" in said


def test_a_security_directory_that_is_not_writable(
    starts: Starts, profile: Profile, lock: Callable[[Path], None]
) -> None:
    profile.prepare()
    lock(profile.security_dir)
    said = starts(preexec_fn=without_roots_privilege).output
    assert f"{profile.security_dir} is not writable for " in said


def test_a_place_where_no_profile_can_be_made(starts: Starts, tmp_path: Path, lock: Callable[[Path], None]) -> None:
    home = tmp_path / "home"
    home.mkdir()
    lock(home)
    said = starts(f"--profile-dir={home / 'profile_x'}", preexec_fn=without_roots_privilege).output
    assert f"the profile directory {home / 'profile_x'} can't be made: Permission denied" in said
    assert "Set IPYTHONDIR to a directory that you can write to" in said


@pytest.mark.skipif(not ROOT, reason="only root can give files to somebody else")
def test_a_security_directory_of_somebody_else_is_not_used(starts: Starts, profile: Profile) -> None:
    profile.prepare()
    os.chown(profile.security_dir, NOBODY, NOBODY)
    said = starts().output
    assert f"{profile.security_dir} belongs to 'nobody', not to you ('root')" in said
    assert "choose another profile by --profile, --profile-dir or $IPYTHONDIR" in said
    assert list(profile.security_dir.iterdir()) == []


@pytest.mark.skipif(not ROOT, reason="only root can give files to somebody else")
def test_cluster_raises_what_the_commands_say(profile: Profile) -> None:
    profile.prepare()
    os.chown(profile.security_dir, NOBODY, NOBODY)
    with pytest.raises(LaunchError, match="belongs to 'nobody', not to you"):
        Cluster(n=1).start_cluster_sync()


def test_a_security_directory_that_others_could_enter_is_closed(command: Start, profile: Profile) -> None:
    profile.prepare()
    profile.security_dir.chmod(0o755)
    start = command("ipcontroller").says("controller listens")
    assert profile.security_dir.stat().st_mode & 0o077 == 0
    assert start.signal(15).ends() == 0


def test_ports_in_use_are_all_named(starts: Starts, profile: Profile) -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        ports = [taken.getsockname()[1] for taken in (one, two)]
        said = starts(f"--ports={ports[0]},{ports[1]}", begins=True).output
    for port in ports:
        assert f"{port}: Address already in use" in said
    assert "--ports" in said
    assert not list(profile.security_dir.glob("*.json"))


def test_the_first_free_port_is_taken(command: Start, profile: Profile) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as free:
        ports = taken.getsockname()[1], free.getsockname()[1]
        free.close()
        start = command("ipcontroller", f"--ports={ports[0]},{ports[1]}").says("controller listens")
    assert f"on=tcp://127.0.0.1:{ports[1]} " in start.output
    assert start.signal(15).ends() == 0


def test_an_address_of_another_machine_is_named(starts: Starts, profile: Profile) -> None:
    said = starts("--ip=192.0.2.1", begins=True).output
    assert "the controller can't listen on 192.0.2.1" in said
    assert "Choose another address or port (--ip, --ports)" in said


def test_an_option_that_makes_no_sense_is_named(starts: Starts, profile: Profile) -> None:
    assert "--porst" in starts("--porst=5", code=2).output
    assert "no_such" in starts("--IPController.no_such=5", code=2).output
    assert "ports" in starts("--ports=http", code=2).output


def test_a_second_controller_is_refused_and_names_the_first(command: Start, profile: Profile) -> None:
    first = command("ipcontroller").says("controller listens")
    second = command("ipcontroller")
    assert second.ends() == 10
    assert f"is already running, as process {first.process.pid}" in second.output
    third = command("ipcluster", "start", "-n", "1")
    assert third.ends() != 0
    assert f"process {first.process.pid}" in third.output
    assert "Traceback" not in third.output
    with Client(timeout=SECONDS) as rc:
        assert rc.ids == []
    stop = ipcluster("stop")
    assert stop.ends() == 0, stop.output
    assert first.ends() == 0


def test_cluster_says_that_it_runs_already(tmp_path: Path) -> None:
    place = tmp_path / "profile_twice"
    first = Cluster(n=1, profile_dir=place, cluster_id="same")
    first.start_cluster_sync()
    try:
        with pytest.raises(LaunchError, match="cluster 'same' is already running"):
            first.start_cluster_sync()
        with pytest.raises(LaunchError, match=r"is already running, as process \d+ .*--cluster-id=same"):
            Cluster(n=1, profile_dir=place, cluster_id="same").start_cluster_sync()
    finally:
        first.stop_cluster_sync()
