"""A file is there whole or not at all, and what a process left that was killed meanwhile is found."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from engineroom.cluster.records.leftovers import sweep
from engineroom.machine.private_files import unfinished, write_private
from engineroom.settings.profiles import Profile

KILLED = """\
import os, signal, sys
from pathlib import Path
from engineroom.machine.private_files import write_private
os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
write_private(Path(sys.argv[1]), b"secret")
"""


def leave(path: Path) -> Path:
    """Return what a process leaves that is killed while it writes `path`."""
    subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    (left,) = path.parent.iterdir()
    return left


def test_it_replaces_what_was_there_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("before")
    write_private(path, b"after")
    assert path.read_bytes() == b"after"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_on_a_full_disk_what_was_there_stays_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "file"
    path.write_text("before")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_private(path, b"after")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_left_is_found(tmp_path: Path) -> None:
    left = leave(tmp_path / "a.file~with-a~strange.name")
    assert list(unfinished(tmp_path)) == [left]


def test_what_a_live_process_writes_is_let_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, list[Path]]] = []

    def look(_: int) -> None:
        seen.append((len(list(tmp_path.iterdir())), list(unfinished(tmp_path))))

    monkeypatch.setattr(os, "fsync", look)
    write_private(tmp_path / "file", b"")
    assert seen == [(1, [])]


def test_what_another_machine_writes_is_let_be(tmp_path: Path) -> None:
    left = leave(tmp_path / "file")
    left.rename(f"{left}-and-another")
    (tmp_path / ".else~where").touch()
    assert list(unfinished(tmp_path)) == []


def test_it_is_taken_away_with_what_else_a_cluster_left(tmp_path: Path) -> None:
    profile = Profile(tmp_path / "profile_left")
    profile.prepare()
    left = [leave(profile.security_dir / "ipcontroller.key"), leave(profile.pid_dir / "ipcluster.pid")]
    assert sorted(sweep(profile, "")) == sorted(left)
    assert not any(path.exists() for path in left)
