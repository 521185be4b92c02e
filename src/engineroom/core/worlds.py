"""Ids for the ranks of MPI worlds: in the order of the ranks, and the ranks themselves where these are free."""

from __future__ import annotations

from collections.abc import Iterable


class Worlds:
    """A block of ids for each world that was launched as one, by the name of its launch."""

    def __init__(self) -> None:
        self._blocks: dict[str, range] = {}

    def id_of(self, launch: str, rank: int, size: int, *, taken: Iterable[int], unused: int) -> int:
        """Return the id for a rank of a world of `size`. `taken`: ids of engines that live; from `unused` on, no id was
        ever used."""
        if launch not in self._blocks:
            self._blocks[launch] = self._new_block(size, frozenset(taken), unused)
        return self._blocks[launch].start + rank

    def free_from(self, engine_id: int) -> int:
        """Return the first id from `engine_id` on that is kept for no rank."""
        for block in sorted(self._blocks.values(), key=lambda block: block.start):
            if engine_id in block:
                engine_id = block.stop
        return engine_id

    def _new_block(self, size: int, taken: frozenset[int], unused: int) -> range:
        self._blocks = {launch: block for launch, block in self._blocks.items() if not taken.isdisjoint(block)}
        lowest = range(max(1, size))
        if taken.isdisjoint(lowest) and not any(block.start < lowest.stop for block in self._blocks.values()):
            return lowest
        first = max(unused, *(block.stop for block in self._blocks.values()), 0)
        return range(first, first + max(1, size))
