"""The notebook about MPI in the documentation, run again: it shows what it is stored with."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from tests.notebooks.kernels import Kernel, kernelspec
from tests.notebooks.stored import FOLDER, differences, run


@pytest.mark.usefixtures("mpi")
def test_the_notebook_about_mpi_shows_what_it_is_stored_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = kernelspec(tmp_path)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    kernel = Kernel(tmp_path, environment)
    kernel.start()
    try:
        path = FOLDER / "mpi-and-plots.ipynb"
        assert differences(nbformat.read(path, 4), run(path, kernel)) == []
    finally:
        kernel.stop()
