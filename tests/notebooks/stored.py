"""The notebooks of the documentation, run as readers run them.

They are stored with their outputs. `python -m tests.notebooks.stored` runs them and stores their outputs anew; tests
run them and compare. A cell with the tag "varies" shows times, or how far something was: of its outputs, only the kinds
count.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat

from tests.documented import DOCS
from tests.notebooks.kernels import Kernel, kernelspec, read_picture

FOLDER = DOCS / "notebooks"

_LABEL = re.compile(r"^\[(stdout|stderr|output|display):[^\]]*\] ?", re.MULTILINE)


def run(path: Path, kernel: Kernel) -> Any:
    """Return the notebook at `path` with the outputs that it has now. AssertionError: a cell fails."""
    notebook = nbformat.read(path, 4)
    for number, cell in enumerate(_code(notebook), 1):
        cell.outputs, cell.execution_count = kernel.cell(cell.source).outputs, number
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = number
    return notebook


def differences(stored: Any, now: Any) -> list[str]:
    """Return what is different between the outputs of two runs of a notebook, in words."""
    return [
        f"In: {before.source}\nStored: {old}\nNow: {new}"
        for before, after in zip(_code(stored), _code(now), strict=True)
        for old, new in [(_told(before), _told(after))]
        if old != new
    ]


def _code(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _told(cell: Any) -> Any:
    """Return of a cell's outputs what must be the same each time."""
    if "varies" in cell.metadata.get("tags", ()):
        return {_kind(output) for output in cell.outputs if output.output_type != "stream"}
    printed = "".join(output.text for output in cell.outputs if output.output_type == "stream")
    rich = [
        (_kind(output), _content(output))
        for output in cell.outputs
        if not (output.output_type == "stream" or _is_bar(output))
    ]
    # Which engines' lines come first, and in one piece, is a matter of moments.
    return sorted(_LABEL.sub("", printed).splitlines()), sorted(rich)


def _kind(output: Any) -> str:
    return f"{output.output_type}: {', '.join(sorted(output.data))}"


def _is_bar(output: Any) -> bool:
    """Whether it is progress, which is shown of what takes more than two seconds: a bar, or the time of one call."""
    return bool(re.search(r"(?: after|^[^ ]+:) [\d.:]+ (?:s|min|h)$", str(output.data.get("text/plain"))))


def _content(output: Any) -> str:
    """Return the text of what is no figure. AssertionError: it is a figure that shows nothing."""
    if "image/png" in output.data:
        pixels = read_picture(output.data["image/png"])
        assert pixels.std() > 0.02, "a figure is blank"  # the brightest is 1
        return "figure"
    if "image/svg+xml" in output.data:
        assert output.data["image/svg+xml"].count("<path") > 5, "a figure is blank"
        return "figure"
    return re.sub(r"0x[0-9a-f]+", "0x", str(output.data.get("text/html") or output.data.get("text/plain")))


def main() -> None:
    """Run the notebooks whose names are given, or all, and store them with their outputs."""
    for path in [FOLDER / f"{name}.ipynb" for name in sys.argv[1:]] or sorted(FOLDER.glob("*.ipynb")):
        with tempfile.TemporaryDirectory(prefix="er-") as home:
            environment = kernelspec(Path(home))
            os.environ.update(environment)
            kernel = Kernel(FOLDER, environment)
            kernel.start()
            try:
                nbformat.write(run(path, kernel), path)
            finally:
                kernel.stop()
        print(f"stored: {path}")


if __name__ == "__main__":
    main()
