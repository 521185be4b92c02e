"""Telling the story of a seed; one that goes wrong names the line that tells it again."""

from __future__ import annotations

import traceback

from tests.simulation.chaos.cluster import MISHAPS, Cluster

_TOLD = 200
_LONGEST = 2000
"""Characters of an error that are shown."""


class StoryError(AssertionError):
    """A story has gone wrong."""

    def __init__(self, cluster: Cluster, error: BaseException) -> None:
        seed = cluster.world.seed
        self.trace = cluster.world.trace
        where = traceback.extract_tb(error.__traceback__)[-1]
        super().__init__(
            f"seed {seed}: {type(error).__name__}: {str(error)[:_LONGEST]} ({where.filename}:{where.lineno})\n"
            f"run it again: python -m tests.simulation.chaos {seed}"
        )

    @property
    def with_trace(self) -> str:
        return "\n".join([*self.trace[-_TOLD:], str(self)])


def tell(seed: int, mishaps: tuple[str, ...] = MISHAPS) -> Cluster:
    """Tell the story of `seed`. StoryError: something is not as it must be."""
    cluster = Cluster(seed, mishaps)
    try:
        cluster.tell()
    except Exception as error:
        raise StoryError(cluster, error) from error
    return cluster
