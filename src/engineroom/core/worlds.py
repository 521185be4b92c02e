"""Ids for the ranks of MPI worlds: in the order of the ranks, and the ranks themselves where these are free."""

from __future__ import annotations

from collections.abc import Iterable

from engineroom.protocol.ranges import MOST_ENGINES

_LARGEST = 2**16
"""Ids are not kept for a world of more ranks: it gets what is free."""


class Worlds:
    """A block of ids for each world that was launched as one, by the name of its launch."""

    def __init__(self) -> None:
        self._blocks: dict[str, range] = {}

    def id_of(self, launch: str, rank: int, size: int, *, taken: Iterable[int], unused: int) -> int:
        """Return the id for a rank of a world of `size`, -1 for none. `taken`: ids of engines that live; from `unused`
        on, no id was ever used."""
        if launch not in self._blocks:
            if size > _LARGEST:
                return -1
            block = self._new_block(size, frozenset(taken), unused)
            if block.stop > MOST_ENGINES:
                return -1
            self._blocks[launch] = block
        block = self._blocks[launch]
        return block.start + rank if rank < len(block) else -1

    def free_from(self, engine_id: int) -> int:
        """Return the first id from `engine_id` on that is kept for no rank."""
        for block in sorted(self._blocks.values(), key=lambda block: block.start):
            if engine_id in block:
                engine_id = block.stop
        return engine_id

    def _new_block(self, size: int, taken: frozenset[int], unused: int) -> range:
        self._blocks = {launch: block for launch, block in self._blocks.items() if _any_in(taken, block)}
        lowest = range(max(1, size))
        if not _any_in(taken, lowest) and not any(block.start < lowest.stop for block in self._blocks.values()):
            return lowest
        first = max(unused, *(block.stop for block in self._blocks.values()), 0)
        return range(first, first + max(1, size))


def _any_in(ids: Iterable[int], block: range) -> bool:
    """Whether any of `ids` is in `block`. O(ids): blocks are as long as somebody says."""
    return any(engine_id in block for engine_id in ids)
