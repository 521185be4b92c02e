"""Does what the life of something that is started again says: waits, starts it, and tells."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from engineroom.cluster.lives.restarted import (
    Back,
    Ended,
    Event,
    Fallen,
    Over,
    Ready,
    RestartedLife,
    Rise,
    Stage,
    Stop,
    Tick,
)
from engineroom.errors import EngineroomError
from engineroom.machine.ticking import Ticking


class Watcher(Protocol):
    """Who is told."""

    def fallen(self, fallen: Fallen) -> None: ...
    def back(self, back: Back) -> None: ...
    def over(self, over: Over) -> None: ...


class Revival:
    """One thing that is kept running, from its first start on. `rise` starts it again, and returns once it is ready;
    EngineroomError, OSError: it could not be started."""

    def __init__(
        self, what: str, watcher: Watcher, rise: Callable[[], Awaitable[None]], *, restarts: bool = True
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._life = RestartedLife(what, self._loop.time(), restarts=restarts)
        self._watcher, self._rise = watcher, rise
        self._ticking = Ticking(self._life.wake, lambda: self._feed(Tick()))
        self._rising: asyncio.Task[None] | None = None

    @property
    def down(self) -> bool:
        """Whether it has died, and is not back yet."""
        return self._life.stage in {Stage.RESTING, Stage.RETURNING}

    @property
    def beginning(self) -> bool:
        """Whether it has not been ready even once."""
        return self._life.stage is Stage.BEGINNING

    @property
    def restarts(self) -> int:
        """How many times it has been started again."""
        return self._life.restarts

    def ready(self) -> None:
        """It is ready for the first time."""
        self._feed(Ready())

    def ended(self, words: str, *, clean: bool = False) -> None:
        """It has ended."""
        self._feed(Ended(words, clean))

    async def stop(self) -> None:
        """Have it not started again; returns once nobody starts it any more."""
        self.stop_soon()
        if self._rising is not None:
            await asyncio.wait([self._rising])

    def stop_soon(self) -> None:
        """As `stop`, which is still to be waited for."""
        self._feed(Stop())
        if self._rising is not None:
            self._rising.cancel()

    def _feed(self, event: Event) -> None:
        for action in self._life.handle(event, self._loop.time()):
            match action:
                case Fallen():
                    self._watcher.fallen(action)
                case Rise():
                    self._rising = self._loop.create_task(self._start_again())
                case Back():
                    self._watcher.back(action)
                case Over():
                    self._watcher.over(action)
        self._ticking.arm()

    async def _start_again(self) -> None:
        try:
            await self._rise()
        except (EngineroomError, OSError) as error:
            self._feed(Ended(str(error)))
        else:
            self._feed(Ready())
