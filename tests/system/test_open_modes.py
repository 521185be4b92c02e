"""Whatever the umask, nobody else can read or change what a cluster makes; and what others could have made is told."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engineroom import Client
from engineroom.settings.profiles import Profile
from tests.patience import SECONDS
from tests.system.conftest import Command
from tests.system.in_process import ipcluster

Start = Callable[..., Command]


@pytest.fixture
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def open_to_others(place: Path) -> list[str]:
    """Return what in `place` others can read, write or enter."""
    found = [place, *place.rglob("*")]
    return [str(path) for path in found if stat.S_IMODE(path.lstat().st_mode) & 0o077 and not path.is_symlink()]


@pytest.mark.usefixtures("no_umask")
def test_with_umask_000_everything_is_private_and_tasks_have_the_umask_of_their_user(
    command: Start, profile: Profile, tmp_path: Path
) -> None:
    start = command("ipcluster", "start", "-n", "2", "--init").says("stop it:")
    engine = command("ipengine", "--log-to-file")
    with Client(timeout=SECONDS) as rc:
        rc.wait_for_engines(3, timeout=SECONDS)
        rc[0].apply_sync(lambda path: open(path, "w", encoding="ascii").close(), str(tmp_path / "of-a-task"))
        rc[0].execute("print('x')", block=True)
    assert open_to_others(profile.path.parent) == []
    assert len(list(profile.log_dir.iterdir())) >= 5
    assert stat.S_IMODE((tmp_path / "of-a-task").stat().st_mode) == 0o666
    ipcluster("stop").succeeds()
    start.succeeds()
    engine.ends()
    assert open_to_others(profile.path.parent) == []


def test_a_client_makes_an_open_connection_file_private_and_refuses_one_that_all_can_write(
    command: Start, profile: Profile, caplog: pytest.LogCaptureFixture
) -> None:
    start = command("ipcluster", "start", "-n", "0").says("stop it:")
    file = profile.connection_file("client")
    file.chmod(0o644)
    Client(timeout=SECONDS).close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert f"the mode of {file} from 644 to 600" in caplog.text
    file.chmod(0o666)
    with pytest.raises(Exception, match=r"every user can write in it \(mode 666\). Run `chmod 600"):
        Client(timeout=SECONDS)
    file.chmod(0o600)
    ipcluster("stop").succeeds()
    start.succeeds()


def test_a_private_key_that_others_could_read_is_told_of_at_the_next_start(command: Start, profile: Profile) -> None:
    command("ipcontroller", "--reuse").says("ipcontroller-engine.json").signal(15).ends()
    key = profile.security_dir / "ipcontroller.key"
    key.chmod(0o640)
    again = command("ipcontroller", "--reuse").says(f"the mode of {key} from 640 to 600")
    again.says("ipcontroller-engine.json").signal(15).ends()
    key.chmod(0o646)
    refused = command("ipcontroller", "--reuse")
    assert refused.ends() != 0
    assert "every user can write in it" in refused.output
    assert "Traceback" not in refused.output


def test_options_that_everybody_can_write_are_not_executed(command: Start, profile: Profile, tmp_path: Path) -> None:
    profile.prepare()
    file = profile.path / "ipcluster_config.py"
    file.write_text(f"open({str(tmp_path / 'executed')!r}, 'w')")
    file.chmod(0o666)
    for arguments in (["start", "-n", "0"], ["config"]):
        refused = command("ipcluster", *arguments)
        assert refused.ends() != 0
        assert f"chmod go-w {file}" in refused.output
    assert not (tmp_path / "executed").exists()


def test_start_up_files_that_everybody_can_write_are_not_executed(
    command: Start, profile: Profile, tmp_path: Path
) -> None:
    profile.prepare()
    (profile.path / "startup").mkdir()
    file = profile.path / "startup" / "00.py"
    file.write_text(f"open({str(tmp_path / 'executed')!r}, 'w')")
    file.chmod(0o666)
    start = command("ipcluster", "start", "-n", "1").says("stop it:")
    assert f"chmod go-w {file}" in start.output
    ipcluster("stop").succeeds()
    start.succeeds()
    assert not (tmp_path / "executed").exists()


def test_a_log_is_not_written_through_a_link_that_others_could_have_put_there(
    command: Start, profile: Profile, tmp_path: Path
) -> None:
    profile.prepare()
    victim = tmp_path / "bashrc"
    log = profile.log_file("ipcluster")
    log.symlink_to(victim)
    if os.getuid() == 0:
        os.chown(log, 65534, 65534, follow_symlinks=False)
    else:
        profile.log_dir.chmod(0o777)
    start = command("ipcluster", "start", "-n", "0")
    if os.getuid() == 0:
        assert start.ends() != 0
        assert f"{log} is not written: it is a symbolic link" in start.output
        assert "Traceback" not in start.output
    else:  # the directory is closed to others first
        start.says("stop it:").signal(15).ends()
    assert sys.platform != "linux" or os.getuid() != 0 or not victim.exists()
