"""What docs/what-travels.md says travels, does: from a script, from a notebook, and kept on an engine.

The files in tests/travel define it; each runs once as a script and once in IPython, and reports for each row.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.travel.runner import EVERYWHERE, WAYS, WITH_NEW_PYTHON, Traveller, titles, travelling

FILES = [*EVERYWHERE, *(WITH_NEW_PYTHON if sys.version_info >= (3, 12) else [])]


@pytest.fixture(scope="module")
def traveller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traveller]:
    with travelling(tmp_path_factory.mktemp("travel")) as made:
        yield made


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("file", "title"), [(file, title) for file in FILES for title in titles(file)])
def test_it_travels(traveller: Traveller, file: str, title: str, way: str) -> None:
    assert traveller.faults(file, title, way) == []
