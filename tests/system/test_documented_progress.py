"""docs/progress.md shows what happens."""

from __future__ import annotations

import re

from tests.documented import blocks
from tests.reader import Reader


def test_progress_as_shown(reader: Reader) -> None:
    shown = re.findall(r"print\(.*\)  # (.+)$", blocks("progress.md")["progress"], re.MULTILINE)
    said = reader.runs_python("progress.md", "progress").splitlines()
    assert [line for line in said if " done after " not in line and not line.startswith("starting: ")] == shown
