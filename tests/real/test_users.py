"""Another user of the same machine finds every door closed, and says so in words."""

from __future__ import annotations

import os
import subprocess
import sys
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
