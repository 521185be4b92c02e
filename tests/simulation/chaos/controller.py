"""The controller's process: the real core, and a shell that only passes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engineroom.core.actions import (
    EndEngine,
    HangUp,
    KillEngine,
    Listen,
    Look,
    Send,
    Stop,
    WakeAt,
)
from engineroom.core.events import Began, EngineUp, KnownEngine, Quiet, Restored, Seen, Tick
from engineroom.core.limits import Limits
from engineroom.core.reactor import handle
from engineroom.core.state import ControllerState
from engineroom.ids import Peer, new_epoch
from engineroom.protocol.closing import Closing
from engineroom.protocol.messages import Delivered, Run, Shutdown
from tests.simulation.chaos.world import CLOSED, End, Link, Process, World

if TYPE_CHECKING:
    from tests.simulation.chaos.cluster import Cluster

LIMITS = Limits(ping_every=3.0, linger=120.0, prefetch_tasks=8)


class Controller(Process):
    """One life of a controller."""

    def __init__(self, world: World, cluster: Cluster, restored: Restored | None = None) -> None:
        """`restored`: what an earlier one has written down; None: there was none."""
        super().__init__(world, "controller")
        self.cluster, self.epoch = cluster, new_epoch()
        self.state = ControllerState(LIMITS)
        self.by_peer: dict[Peer, Link] = {}
        self._handled = 0
        self._wakes_at: float | None = None
        if restored is not None:
            self.tell(Peer(0), restored)
            for engine in self.state.engines.values():
                cluster.engine_peers[engine.known_as] = cluster.started[engine.instance]
        self.tell(Peer(0), Began(b""))

    def written_down(self, life: int) -> Restored:
        """Return what the one that lives as number `life` finds of this one on the disk."""
        known = [
            KnownEngine(
                id_,
                EngineUp(engine.instance, engine.info, host=engine.host, spawned=engine.spawned, pid=engine.pid),
            )
            for id_, engine in self.state.engines.items()
        ]
        return Restored(life, tuple(known), self.state.next_id, tuple(self.state.used_ids))

    def admit(
        self,
        process: Process,
        up: object,
        hear: Callable[[Any], object],
        closed: Callable[[Closing], object],
        gone: Callable[[Closing], object],
    ) -> tuple[Link, Peer]:
        """Let a peer in, whose coming is the event `up`; `gone(closing)`: the event of its end."""
        peer = next(self.world.peers)
        mine = End(self, lambda message: self.tell(peer, message), lambda closing: self._closed(peer, gone(closing)))
        link = Link(self.world, mine, End(process, hear, closed))
        self.by_peer[peer] = link
        self.tell(peer, up)
        return link, peer

    def _closed(self, peer: Peer, event: object) -> None:
        if self.by_peer.pop(peer, None) is not None:
            self.tell(peer, event)

    def tell(self, peer: Peer, event: Any) -> None:
        """Hand an event to the core, and do what it says."""
        if not self.alive or (peer and peer not in self.by_peer and type(event) is not Seen and not _ends(event)):
            return
        if isinstance(event, Delivered):
            self.cluster.account.delivered(self.state.clients.get(peer), event)
        for action in handle(self.state, peer, event, now=self.world.now, rng=self.world.rng):
            self._perform(action)
        self._handled += 1
        if self._handled % self.cluster.checked_every == 0:
            self.state.check()

    def _perform(self, action: Any) -> None:
        match action:
            case Send(peer=peer, message=message):
                if isinstance(message, Run):
                    self.cluster.account.sent(message)
                self._send(peer, message)
            case WakeAt(time=when):
                self._wake_at(when)
            case Stop():
                self.kill()
            case _:
                self._look_after(action)

    def _wake_at(self, when: float) -> None:
        """Have a Tick then: as in a real one, of several times that are asked for, the first one counts."""
        if self._wakes_at is None or when < self._wakes_at:
            self._wakes_at = when
            self.world.at(when, lambda: self._wakes_at == when and self.do(self._tick))

    def _tick(self) -> None:
        if self._wakes_at is not None and self._wakes_at <= self.world.now:
            self._wakes_at = None
            self.tell(Peer(0), Tick())

    def _look_after(self, action: Any) -> None:
        """Do what the core wants done about who is there."""
        match action:
            case Look(peer=peer, at_once=at_once):
                self.after(0.0, lambda: self.tell(peer, Seen(self.cluster.lives(peer), at_once)))
            case Listen(peers=peers):
                self.after(0.0, lambda: self.tell(Peer(0), Quiet(self._quiet(peers), peers)))
            case EndEngine(peer=peer, reason=reason):
                self._send(peer, Shutdown(reason=reason))
            case KillEngine(engine=engine):
                self.cluster.kill_engine(engine)
            case HangUp(peer=peer):
                if (link := self.by_peer.pop(peer, None)) is not None:
                    link.close(self, CLOSED)

    def _send(self, peer: Peer, message: object) -> None:
        if (link := self.by_peer.get(peer)) is not None:
            link.send(self, message)

    def _quiet(self, peers: tuple[Peer, ...] | None) -> tuple[Peer, ...]:
        """Return those of `peers` that say nothing: they are stopped, or cut off."""
        asked = self.by_peer if peers is None else [peer for peer in peers if peer in self.by_peer]
        return tuple(peer for peer in asked if not self._answers(self.by_peer[peer]))

    def _answers(self, link: Link) -> bool:
        return link.whole and all(not end.process.stopped for end in link.ends)


def _ends(event: object) -> bool:
    return type(event).__name__ in {"ClientGone", "EngineClosed", "HostClosed"}
