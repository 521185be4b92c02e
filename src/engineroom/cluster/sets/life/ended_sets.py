"""Sets that a launcher started and that have ended by themselves: what it takes to start them again."""

from __future__ import annotations

from engineroom.cluster.sets.life.set_phases import LaunchedSet
from engineroom.ids import Instance

_MOST = 100
"""How many sets are remembered; of more, those that ended last."""


class EndedSets:
    """The sets that have ended and that nobody has stopped, by name."""

    def __init__(self) -> None:
        self._sets: dict[str, LaunchedSet] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._sets

    def note(self, ended: LaunchedSet) -> None:
        """Remember a set."""
        self._sets.pop(ended.name, None)
        self._sets[ended.name] = ended
        while len(self._sets) > _MOST:
            del self._sets[next(iter(self._sets))]

    def named(self, name: str) -> list[str]:
        """Return `name` if that set has ended, and for "" the names of all that have."""
        return [each for each in self._sets if name in {"", each}]

    def take(self, name: str) -> LaunchedSet | None:
        """Forget the set `name`, and return it."""
        return self._sets.pop(name, None)

    def clear(self) -> None:
        self._sets.clear()

    def of(self, instance: Instance) -> str | None:
        """Return the name of the set that this engine belonged to."""
        return next((name for name, each in self._sets.items() if instance in each.gone), None)
