"""Which names the functions of a script and of a notebook see on an engine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engineroom import Cluster
from tests.patience import SECONDS

SCRIPTS = sorted((Path(__file__).parents[1] / "names").glob("*.py"))


@pytest.fixture(scope="module")
def profile_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("names") / "profile_names"
    cluster = Cluster(n=2, profile_dir=path, cluster_id="")
    cluster.start_cluster_sync()
    yield path
    cluster.stop_cluster_sync()


@pytest.mark.parametrize("way", ["script", "notebook"])
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_it_runs(profile_dir: Path, script: Path, way: str, tmp_path: Path) -> None:
    how = [str(script)] if way == "script" else ["-m", "IPython", "--no-banner", "--colors=nocolor", str(script)]
    ended = subprocess.run(
        [sys.executable, *how],
        env={**os.environ, "NAMES_PROFILE": str(profile_dir), "IPYTHONDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=4 * SECONDS,
        check=False,
    )
    assert "all is well" in ended.stdout, ended.stdout
