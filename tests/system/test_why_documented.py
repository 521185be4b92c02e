"""What the documentation shows of `ipcluster why`."""

from __future__ import annotations

from dataclasses import replace

from tests.documented import typed
from tests.reader import Reader

PAGE = "starting/why.md"


def test_all_is_well(reader: Reader) -> None:
    reader.follows(PAGE, "why-well")


def test_a_start_that_fails(reader: Reader) -> None:
    failing, asking = typed(PAGE, "why-failed")
    reader.types(failing)
    reader.types(replace(asking, command=f"{asking.command} || test $? = 1"))
