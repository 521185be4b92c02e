"""The one loop of a host that asks launchers for the status of what they have started, each about all at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from engineroom.cluster.launchers.launcher import Handle, Launcher, Status
from engineroom.cluster.launchers.pace import Pace
from engineroom.errors import LaunchError
from engineroom.machine.ticking import Ticking


@dataclass(slots=True, eq=False)
class Watched:
    """What was started. `hear`: is told its status, or why it cannot be queried, each time; `began`: when it was first
    watched."""

    launcher: Launcher
    handle: Handle
    hear: Callable[[Status | LaunchError], None]
    began: float


class Polling:
    """Asks about all that is watched. A launcher that takes its time to answer delays nobody else."""

    def __init__(self, pace: Pace | None = None) -> None:
        self._watched: list[Watched] = []
        self._pace = pace or Pace()
        self._ticking = Ticking(lambda: self._pace.next if self._watched else None, self._ask)
        self._asking: dict[Launcher, asyncio.Task[None]] = {}
        self._once_more: set[Launcher] = set()

    @classmethod
    def of(cls, shared: dict[str, Any]) -> Polling:
        """Return that of a host. `shared`: by all launchers of it."""
        polling: Polling = shared.setdefault("polling", cls())
        return polling

    def watch(self, launcher: Launcher, handle: Handle, hear: Callable[[Status | LaunchError], None]) -> Watched:
        """Ask about what `launcher` has started, at once and then again and again."""
        watched = Watched(launcher, handle, hear, asyncio.get_running_loop().time())
        self._watched.append(watched)
        self.look()
        return watched

    def drop(self, watched: Watched) -> None:
        """Ask no more."""
        self._watched.remove(watched)
        if not any(each.launcher is watched.launcher for each in self._watched):
            self._once_more.discard(watched.launcher)
            if asking := self._asking.pop(watched.launcher, None):
                asking.cancel()
        self._ticking.arm()

    def look(self) -> None:
        """Ask about everything now: something has happened."""
        self._pace.hurry()
        self._ticking.arm()

    def _ask(self) -> None:
        self._pace.asked(asyncio.get_running_loop().time(), [each.began for each in self._watched])
        for launcher in dict.fromkeys(each.launcher for each in self._watched):
            if launcher in self._asking:
                self._once_more.add(launcher)
            else:
                self._asking[launcher] = asyncio.ensure_future(self._ask_one(launcher))
        self._ticking.arm()

    async def _ask_one(self, launcher: Launcher) -> None:
        asked = [each for each in self._watched if each.launcher is launcher]
        said: Sequence[Status | LaunchError]
        me = asyncio.current_task()
        try:
            said = await launcher.poll_all([each.handle for each in asked])
        except LaunchError as error:
            said = [error for _ in asked]
        finally:
            if self._asking.get(launcher) is me:
                del self._asking[launcher]
        for each, status in zip(asked, said, strict=True):
            if each in self._watched:
                each.hear(status)
        if launcher in self._once_more:
            self._once_more.discard(launcher)
            self.look()
