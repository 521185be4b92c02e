"""Runs the files beside this one against a cluster, each once as a script and once in IPython."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from traitlets.config import Config

from engineroom import Cluster
from tests.patience import SECONDS

HERE = Path(__file__).parent
WAYS = ["script", "notebook"]
EVERYWHERE = ["functions", "classes", "class_ways", "enums", "typed", "values", "inspected"]
WITH_LIBRARIES = ["tables", "science", "models"]
WITH_NEW_PYTHON = ["type_parameters"]
WITH_MEMORY = ["giants"]


def path_of(file: str) -> Path:
    """Return where the file of this name is."""
    return HERE / f"{file}.py"


def titles(file: str) -> list[str]:
    """Return the rows of the documentation that a file tests."""
    return re.findall(r'^title\(\s*"(.*?)"\s*\)', path_of(file).read_text(), re.MULTILINE)


class Traveller:
    """Runs files, each in each way once, and tells what each found for a row."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._seen: dict[tuple[str, str], dict[str, list[str]]] = {}

    def faults(self, file: str, title: str, way: str) -> list[str]:
        """Return what went wrong."""
        if (file, way) not in self._seen:
            self._seen[file, way] = self._run(file, way)
        return self._seen[file, way][title]

    def _run(self, file: str, way: str) -> dict[str, list[str]]:
        root, report = str(HERE.parents[1]), self._home / f"{file}-{way}.json"
        places = {
            "TRAVEL_PROFILE": str(self._home / "profile_travel"),
            "TRAVEL_REPORT": str(report),
            "PYTHONPATH": root,
        }
        play = f"from tests.travel.notebook import play; play(get_ipython(), {str(path_of(file))!r})"
        how = (
            [str(path_of(file))]
            if way == "script"
            else ["-m", "IPython", "--no-banner", "--colors=nocolor", "-c", play]
        )
        ended = subprocess.run(
            [sys.executable, *how],
            env={**os.environ, **places},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=10 * SECONDS,  # giants are many GiB, which a machine that is busy clears slowly
            check=False,
        )
        assert report.exists(), ended.stdout
        return json.loads(report.read_text())  # type: ignore[no-any-return]


@contextmanager
def travelling(home: Path) -> Iterator[Traveller]:
    """Yield what runs files, while a cluster of two engines runs."""
    os.environ.setdefault("MPLCONFIGDIR", str(home / "matplotlib"))  # or it writes to the user's home
    config = Config({"IPEngine": {"max_result_bytes": 8 << 30}})
    cluster = Cluster(n=2, profile_dir=home / "profile_travel", cluster_id="", config=config)
    cluster.start_cluster_sync()
    try:
        yield Traveller(home)
    finally:
        cluster.stop_cluster_sync()
