"""What the user of JupyterLab sees of engines, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engineroom import Cluster
from tests.real.jupyterlab import Lab, Screen, browse


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """Yield a JupyterLab whose kernels find a cluster of two engines."""
    made = Lab(tmp_path, {})
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    with Cluster(n=2, cluster_id=""):
        made.start()
        yield made
        made.stop()


START = "import engineroom as er, time; rc = er.Client(); rc.wait_for_engines(2); view = rc[:]; len(rc)"


def test_a_notebook_runs_cells_on_engines(lab: Lab, tmp_path: Path) -> None:
    def look(page: object) -> None:
        screen = Screen(page, tmp_path)
        screen.open(lab.address([START, "view.apply_sync(lambda: 6 * 7)"]))
        assert screen.run(0) == "2"
        assert screen.run(1) == "[42, 42]"
        screen.picture("values")

    browse(look)
