"""docs/notebook.md shows what happens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from tests.documented import blocks
from tests.system.typed_in_ipython import Typed, ipython

PAGE = blocks("notebook.md", "ipython")


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Yield a shell in which the first cells of the page have started a cluster."""
    with pytest.MonkeyPatch.context() as patch, ipython() as shell:
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("notebook") / "ipython"))
        for cell, _ in START:
            shell.run_cell(cell).raise_error()
        yield shell
        rc = shell.user_ns["rc"]
        rc.close()
        rc.cluster.stop_cluster_sync()


@pytest.fixture
def typed(shell: Any, capsys: pytest.CaptureFixture[str]) -> Typed:
    rc = shell.user_ns["rc"]
    typed = Typed(shell, capsys)
    shell.user_ns["rc"] = rc
    typed("%pxconfig --targets all --fold")  # whatever an earlier block has left
    shell.execution_count = 1
    return typed


def cells(block: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each cell of a block, and the lines that it shows."""
    for part in re.split(r"^In \[\d+\]: ", block, flags=re.MULTILINE)[1:]:
        first, *lines = part.rstrip("\n").split("\n")
        more = [line for line in lines if line.startswith("   ...:")]
        yield "\n".join([first, *(line[8:] for line in more)]), [line for line in lines[len(more) :] if line]


START = list(cells(PAGE["cells"]))[:2]
"""They import engineroom, and start a cluster."""


@pytest.mark.parametrize("name", PAGE)
def test_cells_show_what_the_page_shows(typed: Typed, name: str) -> None:
    for cell, shown in list(cells(PAGE[name]))[len(START) if name == "cells" else 0 :]:
        text = typed(cell).text
        said = [line for line in text.splitlines() if line]
        if "--noblock" in cell:
            assert "AsyncResult" in text
            continue
        assert len(said) == len(shown), f"{cell}\n{text}"
        if all(line.startswith("[std") for line in said):
            said.sort()  # each engine prints when it does
        for line, wanted in zip(said, shown, strict=True):
            pattern = re.sub(r"([\[?])", r"[\1]", wanted).replace("...", "*")
            assert fnmatchcase(re.sub(r"^(Out\[[^:\]]+):\d+\]", r"\1]", line), pattern), f"{cell}\n{line}\n{wanted}"


def test_the_page_shows_each_flag() -> None:
    page = Path(__file__).parents[2] / "docs" / "notebook.md"
    from engineroom.magics.parallel_magics import ParallelMagics  # once IPython is there

    documented = page.read_text(encoding="utf-8")
    flags = set(re.findall(r"--[a-z-]+", ParallelMagics.cell_px.__doc__ or "")) - {"--stream", "--no-verbose", "--fold"}
    assert [flag for flag in sorted(flags) if flag not in documented] == []
