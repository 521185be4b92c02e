"""What the controller's records have said of tasks that have ended, and of how many they are asked at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engineroom.client.state.recent import MOST

_FEW, _MANY = 8, 512


class RecordedFacts:
    """By number of the task; of the last `most` that were read. The session's condition is held for all this.

    Who reads one task may be about to read them all: with each are asked for the nearest others, and for twice as many
    if those of the last time were read, too.
    """

    def __init__(self, most: int = 2 * MOST) -> None:
        self._most = most
        self._facts: dict[int, Mapping[str, Any]] = {}
        self._batch, self._used = _FEW, 0

    def find(self, number: int) -> Mapping[str, Any] | None:
        """Return what is known of a task; None: ask for it."""
        facts = self._facts.get(number)
        if facts is not None:
            self._used += 1
        return facts

    def to_ask(self, number: int, ended: Iterable[int]) -> list[int]:
        """Return of which tasks to ask together with `number`, which comes first; `ended`: those that are kept."""
        self._batch = min(2 * self._batch, _MANY) if self._used >= self._batch // 2 else _FEW
        self._used = 0
        unknown = {number, *ended}.difference(self._facts)
        return sorted(unknown, key=lambda other: (abs(other - number), other))[: self._batch]

    def note(self, facts: Mapping[int, Mapping[str, Any]]) -> None:
        """Keep what the records say. Of tasks that have ended this does not change."""
        self._facts.update(facts)
        for oldest in list(self._facts)[: -self._most]:
            del self._facts[oldest]

    def forget(self) -> None:
        """The records may have been deleted."""
        self._facts.clear()
