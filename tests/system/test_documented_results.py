"""docs/results.md shows what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.reader import Reader

PAGE = Path(__file__).parents[2] / "docs" / "results.md"


@pytest.mark.parametrize("name", ["results", "published"])
def test_results_as_shown(reader: Reader, name: str) -> None:
    shown = re.findall(
        r"print\(.*\)  # (.+)$", PAGE.read_text().partition(f"```python {name}\n")[2].partition("```")[0], re.MULTILINE
    )
    assert reader.runs_python("results.md", name).splitlines() == shown
