"""What the documentation shows of a cluster on one machine."""

from __future__ import annotations

from tests.reader import Reader

PAGE = "starting/local.md"


def test_start_and_use(reader: Reader) -> None:
    [start] = reader.follows(PAGE, "local-start")
    assert start.stays
    assert reader.runs_python(PAGE, "local-use").splitlines() == ["[0, 1, 2, 3]", "[42, 42, 42, 42]"]
    reader.types("ipcluster stop")
    start.ends()


def test_in_the_background(reader: Reader) -> None:
    reader.follows(PAGE, "local-background")
