"""docs/history.md shows what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.reader import Reader

PAGE = Path(__file__).parents[2] / "docs" / "history.md"


@pytest.mark.parametrize("name", ["elsewhere", "searching", "again"])
def test_history_as_shown(reader: Reader, name: str) -> None:
    shown = re.findall(
        r"print\(.*\)  # (.+)$", PAGE.read_text().partition(f"```python {name}\n")[2].partition("```")[0], re.MULTILINE
    )
    assert reader.runs_python("history.md", name).splitlines() == shown
