"""What the documentation shows of consoles on engines."""

from __future__ import annotations

from tests.reader import Reader

PAGE = "consoles.md"


def test_the_engines_are_listed_and_cells_piped_in(reader: Reader) -> None:
    reader.follows(PAGE, "consoles-list")
    reader.follows(PAGE, "consoles-pipe")


def test_an_engine_as_a_kernel(reader: Reader) -> None:
    assert "jupyter console --existing engineroom-" in reader.runs_python(PAGE, "consoles-bind")
