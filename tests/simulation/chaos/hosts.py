"""Hosts: they start engines, say how these ended, and start others in their places."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.events import HostClosed, HostSays, HostUp
from engineroom.protocol.closing import Closing
from engineroom.protocol.messages import Coming, EngineExited
from tests.simulation.chaos.engines import Engine
from tests.simulation.chaos.world import Link, Process

if TYPE_CHECKING:
    from tests.simulation.chaos.cluster import Cluster


class Host(Process):
    """A host with its spawner: when it ends, its engines do."""

    def __init__(self, cluster: Cluster, name: bytes, engines: int) -> None:
        super().__init__(cluster.world, f"host {name[:4].decode()}")
        self.cluster, self.id = cluster, name
        self.link: Link | None = None
        self.engines: list[Engine] = []
        self._returning = 0
        self._exits: list[EngineExited] = []
        self.connect()
        for _ in range(engines):
            self.start_engine(None)

    def connect(self) -> None:
        controller = self.cluster.controller
        if self.link is not None:
            return
        if controller is None or not controller.alive or controller.stopped:
            self.after(0.2, self.connect)
            return
        self.link, _ = controller.admit(self, HostUp(self.id, 1), lambda message: None, self.closed, HostClosed)
        self.say_what_comes()
        for exited in self._exits:  # this controller may be another one, or what was sent to it lost
            self._say(exited)

    def closed(self, closing: Closing) -> None:
        del closing
        self.link = None
        self.after(self.world.rng.uniform(0.0, 0.3), self.connect)

    def _say(self, message: object) -> None:
        if self.link is not None:
            self.link.send(self, message)

    def say_what_comes(self) -> None:
        """Say how many engines have not joined, and how many of these keep an id."""
        coming = [engine for engine in self.engines if not engine.joined]  # as far as it knows
        returning = self._returning + sum(engine.wanted_id is not None for engine in coming)
        self._say(HostSays(self.id, Coming(self._returning + len(coming), returning, restarts=True)))

    def start_engine(self, wanted_id: int | None) -> None:
        self.engines.append(Engine(self.cluster, self.cluster.new_instance(), self.id, wanted_id))

    def engine_died(self, engine: Engine, cause: str, *, own: bool) -> None:
        """The spawner sees that one of its engines has ended."""
        ran = () if engine.running is None else ((engine.running.task, engine.running.attempt),)
        known = ran if self.world.rng.random() < 0.7 else None
        self.after(self.world.rng.uniform(0.0, 0.05), lambda: self._exited(engine, cause, own, known))

    def _exited(self, engine: Engine, cause: str, own: bool, running: tuple[tuple[bytes, int], ...] | None) -> None:
        self.engines.remove(engine)
        self._returning += 1
        self.say_what_comes()
        self._exits.append(EngineExited(engine.instance, cause, own, running))  # type: ignore[arg-type]
        self._say(self._exits[-1])
        self.after(self.world.rng.uniform(0.1, 1.0), lambda: self._restart(engine))

    def _restart(self, engine: Engine) -> None:
        self._returning -= 1
        self.start_engine(engine.wanted_id)

    def kill(self) -> None:
        super().kill()
        for engine in self.engines:
            engine.kill()
