"""Lets what decides by events alone know that time has passed: one timer, for the next thing that is due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Ticking:
    """Calls `tick` when it is `due()`, by the loop's clock; `arm` is to be called whenever that may have changed."""

    def __init__(self, due: Callable[[], float | None], tick: Callable[[], None]) -> None:
        self._due, self._tick = due, tick
        self._timer: asyncio.TimerHandle | None = None

    def arm(self) -> None:
        """Have the next tick come when it is due now."""
        due, timer = self._due(), self._timer
        if timer is not None and (due is None or timer.when() != due):
            timer.cancel()
            self._timer = None
        if due is not None and self._timer is None:
            self._timer = asyncio.get_running_loop().call_at(due, self._fire)

    def _fire(self) -> None:
        self._timer = None
        self._tick()
