"""What docs/what-travels.md says travels, does: from a script, from a notebook, and kept on an engine.

The files in tests/travel define it; each runs once as a script and once in IPython, and reports for each row.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engineroom import Cluster
from tests.patience import SECONDS

ROOT = Path(__file__).parents[2]
FILES = ["functions", "classes", "class_ways", "enums", "typed", "values"]
if sys.version_info >= (3, 12):
    FILES.append("type_parameters")
WAYS = ["script", "notebook"]

Report = dict[str, list[str]]


def path_of(file: str) -> Path:
    return ROOT / "tests" / "travel" / f"{file}.py"


def titles(file: str) -> list[str]:
    return re.findall(r'^title\(\s*"(.*?)"\s*\)', path_of(file).read_text(), re.MULTILINE)


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, str], Report]]:
    """Yield what runs a file in one of the ways, once, and returns its report."""
    home = tmp_path_factory.mktemp("travel")
    cluster = Cluster(n=2, profile_dir=home / "profile_travel", cluster_id="")
    cluster.start_cluster_sync()
    seen: dict[tuple[str, str], Report] = {}

    def report(file: str, way: str) -> Report:
        if (file, way) not in seen:
            seen[file, way] = _run(file, way, home)
        return seen[file, way]

    yield report
    cluster.stop_cluster_sync()


def _run(file: str, way: str, home: Path) -> Report:
    result = home / f"{file}-{way}.json"
    places = {"TRAVEL_PROFILE": str(home / "profile_travel"), "TRAVEL_REPORT": str(result), "PYTHONPATH": str(ROOT)}
    play = f"from tests.travel.notebook import play; play(get_ipython(), {str(path_of(file))!r})"
    how = [str(path_of(file))] if way == "script" else ["-m", "IPython", "--no-banner", "--colors=nocolor", "-c", play]
    ended = subprocess.run(
        [sys.executable, *how],
        env={**os.environ, **places},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=4 * SECONDS,
        check=False,
    )
    assert result.exists(), ended.stdout
    return json.loads(result.read_text())  # type: ignore[no-any-return]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("file", "title"), [(file, title) for file in FILES for title in titles(file)])
def test_it_travels(reports: Callable[[str, str], Report], file: str, title: str, way: str) -> None:
    assert reports(file, way)[title] == []
