"""The controller of a host, through all its lives: one that dies is started again, in its place."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, Protocol

from engineroom.cluster.lives.restarted import Back, Fallen, Over
from engineroom.cluster.lives.revival import Revival
from engineroom.cluster.seats.seat import ControllerSeat, OnEnd
from engineroom.controller.config import ControllerConfig

log = logging.getLogger(__name__)

_FAREWELL, _LONG_FAREWELL = 1.0, 3.2
"""Seconds for which those who look for a controller that is gone are told so: right after its death, and after several,
when they look less often."""


class Watcher(Protocol):
    """Who is told how the controller is."""

    def controller_fallen(self, words: str, pause: float) -> None: ...
    def controller_back(self, port: int) -> None: ...


class LastingSeat:
    """A seat whose controllers follow one another.

    `first`: the one to begin with; `another()` returns one that goes on in the place of the last, LaunchError: it can't
    be had; None: the end of the first is the end. `here`: what a controller on this machine was told, in whose place
    those who look for it are told that it is gone for good.
    """

    def __init__(
        self,
        first: ControllerSeat,
        another: Callable[[], ControllerSeat] | None,
        *,
        here: ControllerConfig | None = None,
    ) -> None:
        self._seat, self._another, self._here = first, another, here
        self._watcher: Watcher | None = None
        self._revival: Revival | None = None
        self._on_end: OnEnd | None = None
        self._last_end: dict[str, Any] = {}
        self._untold = ""  # why all of it ends, while there is no controller that could say so
        self._farewell: asyncio.Task[None] | None = None

    def watch(self, watcher: Watcher) -> None:
        """Have `watcher` told; before the start."""
        self._watcher = watcher

    @property
    def restarts(self) -> bool:
        """Whether one that dies is started again."""
        return self._another is not None

    async def start(self, on_end: OnEnd) -> None:
        self._on_end = on_end
        self._revival = Revival("the controller", self, self._rise, restarts=self.restarts)
        await self._seat.start(self._ended)
        if self._revival.beginning:
            self._revival.ready()

    def stop(self, reason: str) -> None:
        if self._revival is not None:
            if self._revival.down:
                self._untold = reason
            self._revival.stop_soon()
        self._seat.stop(reason)

    def kill(self) -> None:
        if self._farewell is not None:
            self._farewell.cancel()
        self._seat.kill()

    async def leave(self) -> None:
        await self._seat.leave()

    async def ended(self) -> None:
        if self._revival is not None:
            await self._revival.stop()
        await self._seat.ended()
        if self._untold and self._farewell is None:
            self._say_farewell(self._untold, _LONG_FAREWELL)
        if self._farewell is not None:
            await asyncio.wait([self._farewell])

    def state(self) -> dict[str, Any]:
        if self._revival is None or not self._last_end:
            return self._seat.state()
        state = {} if self._revival.down else self._seat.state()
        return {**state, "restarts": self._revival.restarts, "last_end": self._last_end}

    def fallen(self, fallen: Fallen) -> None:
        self._last_end = {"words": fallen.words, "at": round(time.time(), 3)}
        if self._watcher is not None:
            self._watcher.controller_fallen(fallen.words, fallen.pause)

    def back(self, back: Back) -> None:
        del back
        if self._watcher is not None:
            self._watcher.controller_back(int(self._seat.state().get("port", 0)))

    def over(self, over: Over) -> None:
        if not over.clean:
            self._say_farewell(over.words, _LONG_FAREWELL if over.given_up else _FAREWELL)
        if self._on_end is not None:
            self._on_end(over.words, over.clean)

    def _say_farewell(self, reason: str, seconds: float) -> None:
        if self._here is not None:
            from engineroom.cluster.seats.farewell import say_farewell  # hosts whose controllers live do without

            self._farewell = asyncio.ensure_future(say_farewell(self._here, reason, seconds))

    async def _rise(self) -> None:
        assert self._another is not None
        last, self._seat = self._seat, self._another()
        await last.leave()
        await self._seat.start(self._ended)

    def _ended(self, words: str, clean: bool) -> None:  # noqa: FBT001 (an OnEnd)
        assert self._revival is not None
        if self._revival.beginning:  # it has started, and we are about to hear of it
            self._revival.ready()
        self._revival.ended(words, clean=clean)
