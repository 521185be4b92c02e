"""Virtual time, processes that can be killed and stopped, and connections that can be cut."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from itertools import count
from random import Random

from engineroom.ids import Peer
from engineroom.protocol.closing import Closing, Why

Act = Callable[[], object]

CLOSED = Closing(Why.CLOSED, "the connection was closed")
SILENT = Closing(Why.SILENT, "no sign of life")


class World:
    """What happens, in the order of its time; `trace`: what has happened, for people."""

    def __init__(self, seed: int) -> None:
        self.seed, self.rng, self.now = seed, Random(seed), 0.0
        self.trace: list[str] = []
        self._order, self._agenda = count(), list[tuple[float, int, Act]]()
        self.peers = map(Peer, count(1))

    def later(self, delay: float, act: Act) -> None:
        self.at(self.now + delay, act)

    def at(self, when: float, act: Act) -> None:
        heapq.heappush(self._agenda, (max(self.now, when), next(self._order), act))

    def run(self, until: float, over: Callable[[], bool]) -> None:
        """Let it all happen until `until`, or until it is `over()`, which is asked now and then."""
        steps = 0
        while self._agenda and self._agenda[0][0] <= until:
            self.now, _, act = heapq.heappop(self._agenda)
            act()
            steps += 1
            if steps % 50 == 0 and over():
                return
        self.now = until

    def note(self, words: str) -> None:
        self.trace.append(f"{self.now:9.4f} {words}")

    def latency(self) -> float:
        """Draw how long a message takes: mostly little."""
        return self.rng.choice((0.0002, 0.0002, 0.0005, 0.003, 0.05)) * (0.5 + self.rng.random())


class Process:
    """A process: what comes while it is stopped is done when it goes on."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.name = world, name
        self.alive, self.stopped = True, False
        self._waiting: deque[Act] = deque()
        self.links: dict[Link, None] = {}

    def do(self, act: Act) -> None:
        """Have the process do something, unless it is dead."""
        if self.stopped and self.alive:
            self._waiting.append(act)
        elif self.alive:
            act()

    def after(self, delay: float, act: Act) -> None:
        self.world.later(delay, lambda: self.do(act))

    def kill(self) -> None:
        """SIGKILL: its connections close behind what it has written."""
        if self.alive:
            self.world.note(f"{self.name} is killed")
            self.alive = self.stopped = False
            self._waiting.clear()
            for link in tuple(self.links):
                link.close(self, CLOSED)

    def stop(self, seconds: float) -> None:
        """SIGSTOP, and SIGCONT after so many seconds."""
        if self.alive and not self.stopped:
            self.world.note(f"{self.name} is stopped for {seconds:.2f} s")
            self.stopped = True
            self.world.later(seconds, self._go_on)

    def _go_on(self) -> None:
        self.stopped = False
        while self._waiting and self.alive and not self.stopped:
            self._waiting.popleft()()


class End:
    """One end of a connection. `hear(message)` and `closed(closing)` are called in its process."""

    def __init__(self, process: Process, hear: Callable[[object], object], closed: Callable[[Closing], object]) -> None:
        self.process, self.hear, self.closed = process, hear, closed
        self.open, self.last = True, 0.0


class Link:
    """A connection between two processes: messages keep their order, and are lost only if it is cut."""

    def __init__(self, world: World, one: End, other: End) -> None:
        self.world, self.ends, self.whole = world, (one, other), True
        for end in self.ends:
            end.process.links[self] = None

    def _other(self, process: Process) -> End:
        one, other = self.ends
        return other if process is one.process else one

    def _mine(self, process: Process) -> End:
        one, other = self.ends
        return one if process is one.process else other

    def send(self, process: Process, message: object) -> None:
        """Send `message` from the end of `process`."""
        if self._mine(process).open and self.whole:
            to = self._other(process)
            self._carry(to, lambda: to.hear(message) if to.open else None)

    def _carry(self, to: End, act: Act) -> None:
        to.last = max(to.last, self.world.now + self.world.latency())
        self.world.at(to.last, lambda: to.process.do(act) if self.whole else None)

    def close(self, process: Process, closing: Closing) -> None:
        """Close the end of `process`; the other one hears of it after all that was sent before."""
        self._leave(self._mine(process))
        if self.whole:
            to = self._other(process)
            self._carry(to, lambda: self._closed(to, closing))

    def cut(self) -> None:
        """Cut the network: what is under way is lost, and each end finds out in its own time."""
        if self.whole:
            self.world.note(f"{' and '.join(end.process.name for end in self.ends)} are cut off from each other")
            self.whole = False
            for end in self.ends:
                self.world.later(self.world.rng.uniform(0.1, 8.0), self._finds_out(end))

    def _finds_out(self, end: End) -> Act:
        return lambda: end.process.do(lambda: self._closed(end, SILENT))

    def _closed(self, end: End, closing: Closing) -> None:
        if end.open:
            self._leave(end)
            end.closed(closing)

    def _leave(self, end: End) -> None:
        end.open = False
        end.process.links.pop(self, None)
