"""What makes a notebook that is run again differ from the one that is stored, and what does not."""

from __future__ import annotations

import nbformat
import pytest

from engineroom.client.progress.notebook import as_html
from engineroom.client.progress.standing import Counts, Standing
from tests.notebooks.stored import differences


def notebook(*shown: dict[str, str]) -> nbformat.NotebookNode:
    """Return a notebook of one cell that has shown these."""
    cell = nbformat.v4.new_code_cell("shows()")
    cell.outputs = [nbformat.v4.new_output("display_data", each) for each in shown]
    return nbformat.v4.new_notebook(cells=[cell])


@pytest.mark.parametrize("counts", [Counts(1, 1, name="execute"), Counts(8, 8, "items", "map:f")])
@pytest.mark.parametrize("seconds", [3.9, 45, 125, 4000])
def test_how_long_something_took_makes_no_difference(counts: Counts, seconds: float) -> None:
    standing = Standing(counts, seconds=seconds, over=True)
    progress = {"text/plain": str(standing), "text/html": as_html(standing)}
    assert differences(notebook({"text/plain": "42"}), notebook({"text/plain": "42"}, progress)) == []


def test_another_value_makes_one() -> None:
    assert len(differences(notebook({"text/plain": "42"}), notebook({"text/plain": "43"}))) == 1
