"""The cluster file is there whole, or words say why not."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import NoReturn

import pytest

from engineroom.cluster import cluster_file
from engineroom.errors import LaunchError


def test_a_full_disk_is_told_with_the_file_and_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "cluster-.json"
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LaunchError, match=rf"the cluster file {path} can't be written: No space left on device"):
        cluster_file.write(path, {"host": {}})
    assert list(tmp_path.iterdir()) == []
