"""How long the items of maps take, by function: what is known to be tiny is split into fewer chunks."""

from __future__ import annotations

_REMEMBERED = 512


class ItemCosts:
    """What one item took in the last map of each function, in seconds on the engines; by the function's hash."""

    def __init__(self) -> None:
        self._seconds: dict[bytes, float] = {}

    def note(self, function: bytes, seconds: float) -> None:
        """Note the mean of a whole map."""
        self._seconds[function] = seconds
        if len(self._seconds) > _REMEMBERED:
            self._seconds.pop(next(iter(self._seconds)), None)

    def of(self, function: bytes) -> float:
        """Return what one item of `function` is likely to take; infinity: nobody knows."""
        return self._seconds.get(function, float("inf"))
