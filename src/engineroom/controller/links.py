"""The connected peers, as the shell sees them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

from engineroom.ids import Instance, Peer
from engineroom.protocol.messages import EngineInfo, EngineJoined
from engineroom.trail.launches import parse_launch
from engineroom.transport.connection import Connection


@dataclass(slots=True, eq=False)
class Link:
    """One connected peer. `identity`: session or instance; `host`: instance of the engine's host, or b"";
    `tunnel`: the ssh server that it comes through; `epoch`: the controller that it spoke to before, or b"";
    `clock_offset`: seconds to add to its wall times."""

    peer: Peer
    role: str
    connection: Connection
    identity: bytes
    host: bytes = b""
    info: EngineInfo = field(default_factory=EngineInfo)
    clock_offset: float = 0.0
    engine_id: int = -1
    tunnel: str = ""
    epoch: bytes = b""


class Links:
    """All peers that are connected, by number and by what they are."""

    def __init__(self) -> None:
        self.by_peer: dict[Peer, Link] = {}
        self.hosts: dict[bytes, Link] = {}
        self.engines: dict[int, Link] = {}
        self._numbers = count(1)

    def next_peer(self) -> Peer:
        return Peer(next(self._numbers))

    def add(self, link: Link) -> None:
        self.by_peer[link.peer] = link
        if link.role == "host":
            self.hosts[link.identity] = link

    def remove(self, link: Link) -> None:
        self.by_peer.pop(link.peer, None)
        if self.hosts.get(link.identity) is link:
            del self.hosts[link.identity]
        if self.engines.get(link.engine_id) is link:
            del self.engines[link.engine_id]

    def with_role(self, role: str) -> list[Link]:
        return [link for link in self.by_peer.values() if link.role == role]

    def host_of(self, engine: Link) -> Link | None:
        """Return the link to the host that started `engine`, itself or by a launcher."""
        return self.hosts.get(host_named(engine.info, engine.host))

    def tell_host(self, engine: Link) -> None:
        """Tell the host that started `engine` that it has joined, and under which id."""
        host = self.host_of(engine)
        if host is not None:
            host.connection.send(EngineJoined(engine.engine_id, Instance(engine.identity), engine.info))


def host_named(info: EngineInfo, host: bytes) -> bytes:
    """Return the instance of the host that started an engine, itself or by a launcher."""
    launch = parse_launch(info.launch)
    return host if launch is None else launch.host
