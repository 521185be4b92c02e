"""Anything of a cluster is killed, stopped or cut off: every future ends as it may, and nothing is left behind.

`python -m tests.simulation.chaos 1-10000` tells more stories, and `... 17` that of seed 17 with all that happens.
"""

from __future__ import annotations

import pytest

from tests.examples import thorough
from tests.simulation.chaos.cluster import MISHAPS, Cluster
from tests.simulation.chaos.stories import StoryError, tell

STORIES = 300 if thorough() else 50


def test_whatever_befalls_a_cluster_every_task_ends_once_and_nothing_is_left() -> None:
    for seed in range(1, STORIES + 1):
        tell(seed)


def test_a_story_that_goes_wrong_names_the_line_that_tells_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(cluster: Cluster) -> None:
        raise AssertionError(f"{len(cluster.clients)} clients")

    monkeypatch.setattr(Cluster, "check_rest", fail)

    with pytest.raises(StoryError, match=r"(?s)seed 7: .* clients.*python -m tests.simulation.chaos 7$"):
        tell(7)


@pytest.mark.parametrize("mishap", MISHAPS)
def test_each_mishap_alone_is_survived(mishap: str) -> None:
    for seed in range(1000, 1005):
        tell(seed, (mishap,))
