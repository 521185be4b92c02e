"""What is remembered of those that are not, or not quite, here."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from engineroom.core.presence.agenda import Agenda, Key, Kind
from engineroom.ids import Instance, Peer
from engineroom.protocol.closing import Closing
from engineroom.protocol.messages import EngineExited

if TYPE_CHECKING:
    from engineroom.core.engines import Engine

_KEPT = 1000
"""So many exits, and hosts that are gone, are remembered."""


class Absence:
    """An engine whose connection is gone. `cause`: why it counts as lost if nothing better becomes known.

    `until`: when it is given up. `seen`: its process was there when it was looked for. `dying`: its process was not,
    and whoever can say how it ended is given a moment. `last_look`: those that went before it have been looked for.
    """

    __slots__ = ("cause", "dying", "engine", "last_look", "seen", "until")

    def __init__(self, engine: Engine, cause: str, until: float) -> None:
        self.engine, self.cause, self.until = engine, cause, until
        self.seen = self.dying = self.last_look = False


class Host:
    """A host that is or was connected. `peer`: None while it is not. `pid`: 0 if its process cannot be seen.
    `silent_since`: when it fell silent, if it does not answer."""

    __slots__ = ("id", "known_as", "peer", "pid", "silent_since", "tunnel")

    def __init__(self, id_: bytes, peer: Peer, pid: int, *, tunnel: bool) -> None:
        self.id, self.pid, self.tunnel = id_, pid, tunnel
        self.peer: Peer | None = peer
        self.known_as = peer
        self.silent_since: float | None = None


class Presence:
    """Plain data; changed by the rooms of this package, and by engines that connect."""

    def __init__(self) -> None:
        self.agenda = Agenda()
        self.absent: OrderedDict[Instance, Absence] = OrderedDict()
        """Engines whose connection is gone, in the order in which they went."""
        self.exits: OrderedDict[Instance, EngineExited] = OrderedDict()
        """What hosts said of processes whose connections have not ended yet, or that never had one."""
        self.hosts: dict[bytes, Host] = {}
        """Those that are connected, or may come back."""
        self.host_peers: dict[Peer, Host] = {}
        """By `known_as`."""
        self.left: OrderedDict[bytes, None] = OrderedDict()
        """Hosts that have said goodbye."""
        self.own_host = b""
        """The host that had this controller started, and without which it ends; b"" for none."""
        self.links: set[Peer] = set()
        """Everybody who is connected."""
        self.silent: dict[Peer, float] = {}
        """Since when those have been quiet who have been pinged, and have not answered."""
        self.listened_at = 0.0
        """When links were last looked at."""

    def back(self, engine: Engine) -> None:
        """`engine` has connected."""
        self.absent.pop(engine.instance, None)
        for kind in (Kind.ENGINE, Kind.AWAY):
            self.agenda.drop(Key(kind, engine.instance))

    def note_exit(self, exited: EngineExited) -> None:
        self.exits[exited.instance] = exited
        if len(self.exits) > _KEPT:
            self.exits.popitem(last=False)

    def note_left(self, host: bytes) -> None:
        self.left[host] = None
        if len(self.left) > _KEPT:
            self.left.popitem(last=False)

    def host_is_here(self, host: bytes) -> bool:
        """Whether the host with this instance is connected."""
        known = self.hosts.get(host)
        return known is not None and known.peer is not None


def lost_by(closing: Closing) -> str:
    """Return the cause of a loss of which nothing is known but how the connection ended."""
    return f"connection lost: {closing.words}"
