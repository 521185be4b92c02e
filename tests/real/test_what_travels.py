"""The rows of docs/what-travels.md that need large libraries: tables, estimators, figures, models."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.travel.runner import WAYS, WITH_LIBRARIES, Traveller, titles, travelling


@pytest.fixture(scope="module")
def traveller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traveller]:
    with travelling(tmp_path_factory.mktemp("travel")) as made:
        yield made


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("file", "title"), [(file, title) for file in WITH_LIBRARIES for title in titles(file)])
def test_it_travels(traveller: Traveller, file: str, title: str, way: str) -> None:
    assert traveller.faults(file, title, way) == []
