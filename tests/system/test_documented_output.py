"""docs/output.md shows what happens."""

from __future__ import annotations

import re

from tests.documented import blocks
from tests.reader import Reader


def test_output_as_shown(reader: Reader) -> None:
    shown = re.findall(r"  # (.+)$", blocks("output.md", "python")["output"], re.MULTILINE)
    printed = [line for line in reader.runs_python("output.md", "output").splitlines() if "careful" not in line[:30]]
    assert printed == shown
