"""Runs the files beside this one as a notebook does: cell by cell, in IPython."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any


def play(shell: Any, path: str) -> None:
    """Run each part of the file that begins with `title(...)` as a cell of its own."""
    for cell in re.split(r"(?m)^(?=title\()", Path(path).read_text()):
        shell.run_cell(cell, store_history=True).raise_error()
