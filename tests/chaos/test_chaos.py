"""Whatever is killed, stopped or cut off: each result arrives once, nothing that arrived runs again, nothing is left.

One seed, for a few seconds; `make chaos` runs many, for longer.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.ends import client_killed, host_killed
from tests.chaos.faults import draw
from tests.chaos.records import BUSY
from tests.chaos.story import run

TASKS, ENGINES, TAKES, FAULTS, WITHIN = 200, 3, 0.05, 10, 4.0


@pytest.mark.parametrize("seed", [1])
def test_what_goes_wrong_loses_nothing_and_repeats_nothing_that_was_delivered(seed: int, tmp_path: Path) -> None:
    faults = draw(seed, FAULTS, within=WITHIN)
    told = run(tmp_path, faults, tasks=TASKS, engines=ENGINES, seconds=TAKES, known_within=BUSY)
    numbers = f"--tasks={TASKS} --engines={ENGINES} --seconds={TAKES} --faults={FAULTS} --within={WITHIN}"
    happened = "\n  ".join(told.done)
    assert not told.wrong, (
        f"{told.wrong[:20]}\nwhat happened:\n  {happened}\nrun it again: python -m tests.chaos --seed={seed} {numbers}"
    )


@pytest.mark.parametrize("seed", [1])
def test_when_the_host_is_killed_everything_ends_and_futures_end_with_the_reason(seed: int, tmp_path: Path) -> None:
    assert host_killed(tmp_path, seed) == []


@pytest.mark.parametrize("seed", [1])
def test_the_tasks_of_a_client_that_is_killed_are_done_once_and_nobody_is_disturbed(seed: int, tmp_path: Path) -> None:
    assert client_killed(tmp_path, seed) == []
