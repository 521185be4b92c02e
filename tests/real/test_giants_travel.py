"""The rows of docs/what-travels.md that need much memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.travel.runner import WITH_MEMORY, titles, travelling


@pytest.mark.parametrize(("file", "title"), [(file, title) for file in WITH_MEMORY for title in titles(file)])
def test_it_travels_from_a_script(tmp_path: Path, file: str, title: str) -> None:
    with travelling(tmp_path) as traveller:
        assert traveller.faults(file, title, "script") == []
