"""Another user of the same machine finds every door closed, and says so in words."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import engineroom as er
from engineroom.protocol.connection_files import read_connection_file
from tests.patience import SECONDS

NOBODY = 65534
AS_NOBODY = f"import os, socket, sys; os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY}); "


def as_nobody(code: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a process that was root's and is now nobody's."""
    return subprocess.run([sys.executable, "-c", AS_NOBODY + code], capture_output=True, text=True, check=False)


@pytest.fixture
def open_path(tmp_path: Path) -> Path:
    """A directory that everybody may enter, as far as the ones above it go."""
    for path in (tmp_path, *tmp_path.parents):
        if path.owner() == "root" and path.name.startswith(("pytest", "test")):
            path.chmod(0o755)
    return tmp_path


def test_another_user_can_neither_read_the_keys_nor_reach_the_socket(open_path: Path) -> None:
    with er.Cluster(n=1, profile_dir=str(open_path)):
        files = sorted((open_path / "security").glob("ipcontroller*.json"))
        refusals = [as_nobody(f"open({str(file)!r})").stderr for file in files]
        address = read_connection_file(files[0]).socket
        refusals.append(as_nobody(f"socket.socket(socket.AF_UNIX).connect({address!r})").stderr)
    assert len(refusals) == 3
    assert all("PermissionError" in refusal for refusal in refusals)


def test_a_security_directory_of_somebody_else_is_refused(tmp_path: Path) -> None:
    security = tmp_path / "security"
    security.mkdir(mode=0o700)
    os.chown(security, NOBODY, NOBODY)
    ipcontroller = str(Path(sys.executable).with_name("ipcontroller"))
    done = subprocess.run(
        [ipcontroller, f"--profile-dir={tmp_path}"], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode != 0
    assert str(security) in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "words"),
    [("ipcluster_config.py", "it would be executed"), ("security/ipcontroller.key", "whom you connect to")],
)
def test_a_file_of_somebody_else_in_a_profile_of_ours_is_refused(tmp_path: Path, name: str, words: str) -> None:
    profile = tmp_path / "profile_mine"
    (profile / "security").mkdir(parents=True, mode=0o700)
    for each in (profile / name, profile / "security" / "ipcontroller.crt"):
        each.touch(mode=0o600)
    os.chown(profile / name, NOBODY, NOBODY)
    ipcluster = str(Path(sys.executable).with_name("ipcluster"))
    done = subprocess.run(
        [ipcluster, "start", "-n", "0", f"--profile-dir={profile}"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode != 0
    assert words in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_cluster_of_a_user_whose_place_for_sockets_another_one_took_starts_and_stops() -> None:
    """As two users who are not root, in a directory where everybody may make files."""
    user, taken = 54321, Path("/tmp/engineroom-54321")
    taken.mkdir(mode=0o755)
    os.chown(taken, NOBODY, NOBODY)
    home = Path(tempfile.mkdtemp(prefix="er-", dir="/tmp"))
    os.chown(home, user, user)
    # The Python of this test may be where only root can look: that much of root is kept.
    capability = [f"--{kind}-caps=+dac_read_search" for kind in ("inh", "ambient")]
    become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *capability]
    ipcluster = [*become, sys.executable, "-m", "engineroom.cli.ipcluster"]
    environment = {name: value for name, value in os.environ.items() if name != "ENGINEROOM_SOCKET_DIR"}
    environment |= {"HOME": str(home), "IPYTHONDIR": str(home / "ipython")}
    try:
        for arguments, said in (
            (["start", "-n", "1", "--daemonize"], f"{taken} belongs to user"),
            (["stop"], "stopped"),
        ):
            done = subprocess.run(
                [*ipcluster, *arguments],
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
                env=environment,
                cwd=home,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            assert said in done.stdout + done.stderr
    finally:
        taken.rmdir()
        shutil.rmtree(home)
        shutil.rmtree("/tmp/engineroom-54321-2", ignore_errors=True)
