"""What befalls a simulated cluster: engines die, stop, or are cut off with what they hold; hosts are killed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from engineroom.core.events import EngineClosed, HostClosed, HostUp
from engineroom.ids import Peer
from engineroom.protocol.closing import Closing, Why
from engineroom.simulate.engines import PretendEngine

if TYPE_CHECKING:
    from engineroom.simulate.simulation import Simulation


class Mishaps:
    """Draws when what happens to whom, and lets it happen. One engine at least lives and stays connected."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._hosts: dict[bytes, Peer] = {}

    def begin(self) -> None:
        """Have hosts connect, give them their engines, and put everything on the agenda."""
        world, plan = self._simulation, self._simulation.plan
        for number in range(plan.hosts):
            host = bytes([number + 1]) * 16
            self._hosts[host] = next(world.peers)
            world.tell(self._hosts[host], HostUp(host))
        hosts = list(self._hosts)
        every = list(world.engines())
        for number, engine in enumerate(every if hosts else ()):
            engine.host = hosts[number % len(hosts)]
        rest = every[1:]
        for engine in world.rng.sample(rest, min(plan.losses, len(rest))):
            self._some_time(partial(self.die, engine))
        for engine in world.rng.choices(rest, k=plan.cuts) if rest else ():
            self._some_time(partial(self._cut, engine))
        for engine in world.rng.choices(rest, k=plan.stops) if rest else ():
            self._some_time(partial(self._stop, engine))
        for host in world.rng.sample(hosts[1:], min(plan.host_losses, len(hosts[1:]))):
            self._some_time(partial(self._lose_host, host))

    def die(self, engine: PretendEngine) -> None:
        """End the process of an engine."""
        engine.alive = False
        if engine.connected:
            peer = self._simulation.cut_off(engine)
            self._simulation.tell(peer, EngineClosed(Closing(Why.CLOSED, "killed by the simulation")))

    def hang_up(self, engine: PretendEngine) -> None:
        """Break off the connection of an engine that counts as lost: it connects again when it can."""
        self._simulation.cut_off(engine)
        self._simulation.later(self._simulation.plan.pause, partial(self._connect, engine))

    def _some_time(self, act: partial[None]) -> None:
        world = self._simulation
        ideal = world.plan.tasks * world.plan.seconds / world.plan.engines
        world.later(world.rng.random() * ideal, act)

    def _cut(self, engine: PretendEngine) -> None:
        world = self._simulation
        if engine.alive and engine.connected:
            peer = world.cut_off(engine)
            world.tell(peer, EngineClosed(Closing(Why.SILENT, "cut by the simulation")))
            world.later(world.plan.pause, partial(self._connect, engine))

    def _connect(self, engine: PretendEngine) -> None:
        world = self._simulation
        if engine.stopped:
            world.later(world.plan.pause, partial(self._connect, engine))
        elif engine.alive and not engine.connected:
            engine.peer = next(world.peers)
            world.let_in(engine)

    def _stop(self, engine: PretendEngine) -> None:
        world = self._simulation
        if engine.alive and not engine.stopped:
            engine.stopped = True
            world.later(world.plan.pause, partial(self._go_on, engine))

    def _go_on(self, engine: PretendEngine) -> None:
        if engine.alive:
            self._simulation.go_on(engine)

    def _lose_host(self, host: bytes) -> None:
        """A host is killed, and its engines with it."""
        self._simulation.tell(self._hosts[host], HostClosed(Closing(Why.CLOSED, "killed by the simulation")))
        for engine in self._simulation.engines():
            if engine.host == host:
                self.die(engine)
