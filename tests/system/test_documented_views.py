"""docs/views.md shows what happens."""

from __future__ import annotations

from tests.reader import Reader


def test_views_as_shown(reader: Reader) -> None:
    said = reader.runs_python("views.md", "views").splitlines()
    assert said == ["[2, 2]", "2", "2", "[2]", "[2, 2]", "[3, 3] 4", "8 [2, 4]", "[True, False]"]


def test_rules_as_shown(reader: Reader) -> None:
    assert reader.runs_python("views.md", "rules") == "5\n"
