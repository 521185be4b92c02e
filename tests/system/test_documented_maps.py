"""docs/maps.md shows what happens."""

from __future__ import annotations

from tests.reader import Reader


def test_maps_as_shown(reader: Reader) -> None:
    said = reader.runs_python("maps.md", "maps").splitlines()
    assert said == ["[0, 1, 4, 9, 16]", "[9, 64]", "[10, 20, 30, 40, 50]"]
