"""Cells with matplotlib, which is a library of the real tests only."""

from __future__ import annotations

import pytest

import engineroom as er
from tests.patience import SECONDS


@pytest.mark.parametrize("cell", ["%matplotlib --list", "%matplotlib inline", "%pylab inline", "%matplotlib agg"])
def test_a_cell_that_chooses_a_backend(cell: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    with er.Cluster(n=1) as rc:
        rc[0].execute(cell).get(SECONDS)
        rc[0].execute("import matplotlib.pyplot as plt; line, = plt.plot([1, 2]); plt.close()").get(SECONDS)
