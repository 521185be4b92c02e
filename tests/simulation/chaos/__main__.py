"""`python -m tests.simulation.chaos 17`: tells the story of seed 17 with all that happens; `1-5000`: of many seeds."""

from __future__ import annotations

import sys
import time

from tests.simulation.chaos.cluster import Cluster
from tests.simulation.chaos.stories import StoryError, tell


def main(arguments: list[str]) -> int:
    first, _, last = (arguments[0] if arguments else "1-1000").partition("-")
    seeds, began, failed = range(int(first), int(last or first) + 1), time.perf_counter(), 0
    for seed in seeds:
        try:
            cluster = tell(seed)
        except StoryError as error:
            failed += 1
            print(error.with_trace if len(seeds) == 1 else error)
        else:
            if len(seeds) == 1:
                print("\n".join(_of(cluster)))
    print(f"{len(seeds)} stories, {failed} failed, {time.perf_counter() - began:.1f} s")
    return int(failed > 0)


def _of(cluster: Cluster) -> list[str]:
    return cluster.world.trace


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
