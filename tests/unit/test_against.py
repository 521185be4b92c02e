"""Old code against new: what counts as worse."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.__main__ import measure_here
from benchmarks.against import compare, measure
from benchmarks.figures import CANNOT, CannotMeasureError, Figure
from benchmarks.rows import ROWS


def runs(*values: float) -> list[dict[str, float]]:
    return [{"trip": value} for value in values]


def test_a_new_run_is_compared_with_the_old_runs_around_it() -> None:
    (trip,) = compare(olds=runs(1, 3, 5), news=runs(4, 6))
    assert trip.changes == (2.0, 1.5)
    assert trip.noise == (3.0, 5 / 3)


def test_code_that_takes_longer_on_a_quiet_machine_is_worse() -> None:
    (trip,) = compare(olds=runs(1, 1, 1, 1), news=runs(1.1, 1.1, 1.1))
    assert trip.worse


def test_five_percent_are_not_worse() -> None:
    (trip,) = compare(olds=runs(1, 1, 1, 1), news=runs(1.05, 1.05, 1.05))
    assert not trip.worse


def test_no_change_is_worse_that_unchanged_code_shows_too() -> None:
    (trip,) = compare(olds=runs(1, 1.5, 1, 1.5), news=runs(1.5, 1.5, 1.5))
    assert not trip.worse


def test_a_row_that_the_code_cannot_run_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lacking() -> Figure:
        raise CannotMeasureError("results can't be arguments there")

    monkeypatch.setitem(ROWS, "noop", lacking)
    assert measure_here(["noop"]) == CANNOT
    assert capsys.readouterr().out == "results can't be arguments there\n"


def test_old_code_that_lacks_what_a_row_needs_is_no_failure(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho results are no arguments there\nexit {CANNOT}\n")
    python.chmod(0o700)
    with pytest.raises(CannotMeasureError, match="results are no arguments there"):
        measure(python, "chain")
