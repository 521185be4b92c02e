"""What befalls a simulated cluster: engines die, stop, or are cut off with what they hold; clients are cut off while
they send; hosts are killed, or cut off for less or more than a lease; peers lie."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from engineroom.core.events import Began, EngineClosed, HostClosed, HostUp
from engineroom.core.not_allowed import NotAllowedError
from engineroom.ids import Peer, task_id
from engineroom.protocol.closing import Closing, Why
from engineroom.protocol.messages import Call, Finished, Kind, Ran, Status, Submit
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
        hosts = list(self._hosts)
        world.tell(Peer(0), Began(hosts[0] if hosts else b""))
        for host, peer in self._hosts.items():
            world.tell(peer, HostUp(host))
        every = list(world.engines())
        for number, engine in enumerate(every if hosts else ()):
            engine.host = hosts[number % len(hosts)]
        self._befall_engines(every[1:])
        self._befall_others(hosts)

    def _befall_engines(self, engines: list[PretendEngine]) -> None:
        world, plan = self._simulation, self._simulation.plan
        for engine in world.rng.sample(engines, min(plan.losses, len(engines))):
            self._some_time(partial(self.die, engine))
        for engine in world.rng.choices(engines, k=plan.cuts) if engines else ():
            self._some_time(partial(self._cut, engine))
        for engine in world.rng.choices(engines, k=plan.stops) if engines else ():
            self._some_time(partial(self._stop, engine))

    def _befall_others(self, hosts: list[bytes]) -> None:
        world, plan = self._simulation, self._simulation.plan
        for host in world.rng.sample(hosts[1:], min(plan.host_losses, len(hosts[1:]))):
            self._some_time(partial(self._lose_host, host))
        for host in world.rng.choices(hosts, k=plan.host_cuts) if hosts else ():
            self._some_time(partial(self._cut_host, host))
        for client in world.rng.choices(world.clients.every, k=plan.client_cuts):
            self._some_time(partial(world.clients.cut, client))
        for number in range(plan.lies):
            self._some_time(partial(self._lie, number))

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
        """A host is killed, and with it its engines, unless they run in batch jobs."""
        peer = self._hosts.pop(host)
        self._simulation.tell(peer, HostClosed(Closing(Why.CLOSED, "killed by the simulation")))
        for engine in self._simulation.engines():
            if engine.host == host and not self._simulation.plan.launched:
                self.die(engine)

    def _cut_host(self, host: bytes) -> None:
        """A host is cut off: leases run until it is back."""
        world, peer = self._simulation, self._hosts.get(host)
        if peer is not None:
            world.tell(peer, HostClosed(Closing(Why.SILENT, "cut by the simulation")))
            world.later(world.plan.pause, partial(self._host_is_back, host))

    def _host_is_back(self, host: bytes) -> None:
        if host in self._hosts:
            self._hosts[host] = next(self._simulation.peers)
            self._simulation.tell(self._hosts[host], HostUp(host))

    def _lie(self, number: int) -> None:
        """An engine speaks of a task that it does not have; or a client of those of another, and is sent away."""
        world = self._simulation
        client = world.rng.choice(world.clients.every)
        task = task_id(client.session, 1 + world.rng.randrange(world.plan.tasks))
        engine = world.rng.choice(world.engines())
        if number % 2 and engine.connected and not engine.holds(task):
            world.tell(engine.peer, Finished(2**40 + number, task, 1 + number % 3, Ran(Status.OK, 1.0, 0.0), b"a lie"))
            return
        other = world.rng.choice(world.clients.every)
        if other is client or not other.connected:
            return
        try:
            world.tell(other.peer, Submit(task, Call(Kind.APPLY, b"", b"a lie")))
        except NotAllowedError:
            world.refused += 1
            world.clients.cut(other)
