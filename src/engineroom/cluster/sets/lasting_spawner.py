"""The spawner of a host, through all lives of its process: one that dies is started again, for its engines to come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from subprocess import Popen
from typing import Any

from engineroom.cluster.line import children
from engineroom.cluster.line.children import Child
from engineroom.cluster.lives.restarted import Back, Fallen, Over
from engineroom.cluster.lives.revival import Revival
from engineroom.ids import Instance
from engineroom.machine.left_behind import end_marked, mark_of
from engineroom.trail.steps import SPAWNER


class LastingSpawner:
    """Told what a spawner is told; while there is none, that waits for the next.

    `first`: is there already; `start_again()` returns another; `clear_up()` ends what the last one left, which takes a
    moment: it runs in a thread. `on_death(words)` is called when one has died and the next is to come, `on_back()` when
    that is there, `on_failure(words)` when none is to come.
    """

    def __init__(self, first: Child, *, start_again: Callable[[], Child], clear_up: Callable[[], None]) -> None:
        self._child, self._start_again, self._clear_up = first, start_again, clear_up
        self._revival: Revival | None = None
        self._unsaid: list[dict[str, Any]] = []
        self._closing = False

    @classmethod
    def of(cls, first: Popen[bytes], host: Instance) -> LastingSpawner:
        """Return the spawner of `host`, whose first process is there already."""
        return cls(
            Child(first, SPAWNER),
            start_again=lambda: Child(children.start(children.SPAWNER), SPAWNER),
            clear_up=lambda: end_marked(mark_of(host)),
        )

    async def attach(
        self,
        on_line: Callable[[bytes], None],
        *,
        on_death: Callable[[str], None],
        on_back: Callable[[], None],
        on_failure: Callable[[str], None],
    ) -> None:
        """Hand each line that it says to `on_line`."""
        self._on_line, self._on_death, self._on_back, self._on_failure = on_line, on_death, on_back, on_failure
        self._revival = Revival("the spawner", self, self._rise)
        await self._child.attach(self._hear, self._ended)

    def tell(self, words: dict[str, Any]) -> None:
        """Send one line of JSON, now or to the next spawner."""
        if self._revival is not None and self._revival.down:
            self._unsaid.append(words)
        else:
            self._child.tell(words)

    def let_go(self) -> None:
        """Have it end its engines, and then itself."""
        self._closing = True
        if self._revival is not None:
            self._revival.stop_soon()
        self._child.let_go()

    async def ended(self) -> None:
        """Wait for the end; nothing is left of its engines then."""
        if self._revival is not None:
            await self._revival.stop()
        self._child.let_go()  # perhaps it was started again at the last moment
        await self._child.ended()
        if self._child.process.returncode:  # it was killed, and can't have ended what tasks left
            await asyncio.to_thread(self._clear_up)

    def kill(self) -> None:
        if self._child.running:
            self._child.process.kill()

    def fallen(self, fallen: Fallen) -> None:
        self._unsaid.clear()  # of engines that have died with it
        self._on_death(fallen.words)

    def back(self, back: Back) -> None:
        del back
        unsaid, self._unsaid = self._unsaid, []
        for words in unsaid:
            self._child.tell(words)
        self._on_back()

    def over(self, over: Over) -> None:
        self._on_failure(over.words)

    def _hear(self, line: bytes) -> None:
        if self._revival is not None and self._revival.beginning:
            self._revival.ready()
        self._on_line(line)

    async def _rise(self) -> None:
        child = self._child = self._start_again()
        # What has the mark of this host is what the last one left; before the next one has forked anything.
        await asyncio.to_thread(self._clear_up)
        await child.attach(self._hear, self._ended)

    def _ended(self, child: Child) -> None:
        revival = self._revival
        if self._closing or revival is None:
            return
        words = f"the spawner (pid {child.process.pid}) ended: {child.end()}"
        if revival.beginning:
            if child.process.returncode > 0:  # it can't even start here
                self._on_failure(words)
                return
            revival.ready()
        revival.ended(words)
