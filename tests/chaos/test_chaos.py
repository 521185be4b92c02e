"""Whatever is killed, stopped or cut off: each result arrives once, nothing that arrived runs again, nothing is left.

A few seeds, each for a few seconds; `make chaos` runs many, for longer.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.faults import draw
from tests.chaos.story import run

TASKS, ENGINES, SECONDS, FAULTS = 300, 3, 0.02, 9


@pytest.mark.parametrize("seed", [1, 2])
def test_what_goes_wrong_loses_nothing_and_repeats_nothing_that_was_delivered(seed: int, tmp_path: Path) -> None:
    told = run(tmp_path, draw(seed, FAULTS, within=6.0), tasks=TASKS, engines=ENGINES, seconds=SECONDS)
    again = f"python -m tests.chaos --seed={seed} --tasks={TASKS} --engines={ENGINES} --faults={FAULTS} --within=6"
    happened = "\n  ".join(told.done)
    assert not told.wrong, f"{told.wrong[:20]}\nwhat happened:\n  {happened}\nrun it again: {again}"
