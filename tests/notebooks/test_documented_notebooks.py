"""The notebooks of the documentation, run again: they show what they are stored with.

The one about MPI needs an MPI: tests/real runs it.
"""

from __future__ import annotations

import nbformat
import pytest

from tests.notebooks.kernels import Kernel
from tests.notebooks.stored import FOLDER, differences, run

HERE = ["monte-carlo", "progress-and-displays"]
ELSEWHERE = ["mpi-and-plots"]


@pytest.mark.parametrize("name", HERE)
def test_a_notebook_shows_what_it_is_stored_with(name: str, lone_kernel: Kernel) -> None:
    path = FOLDER / f"{name}.ipynb"
    now = run(path, lone_kernel)
    assert differences(nbformat.read(path, 4), now) == []


def test_every_notebook_is_stored_with_outputs_and_run_by_a_test() -> None:
    paths = {path.stem: path for path in FOLDER.glob("*.ipynb")}
    assert sorted(paths) == sorted([*HERE, *ELSEWHERE])
    for path in paths.values():
        cells = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
        assert all(cell.execution_count for cell in cells)
        assert sum("image/png" in output.get("data", ()) for cell in cells for output in cell.outputs) > 1
