"""docs/control.md shows what happens."""

from __future__ import annotations

from tests.reader import Reader


def test_control_as_shown(reader: Reader) -> None:
    assert reader.runs_python("control.md", "control").splitlines() == ["too slow", "1", "2"]
