"""The cluster file is there whole, or words say why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from engineroom.cluster.records import cluster_file
from engineroom.errors import LaunchError


def test_why_it_can_not_be_written_is_told_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "gone" / "cluster-.json"
    with pytest.raises(LaunchError, match=rf"the cluster file {path} can't be written: No such file or directory"):
        cluster_file.write(path, {"host": {}})
