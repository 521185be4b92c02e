"""Hosts that come and go, the engines in batch jobs that outlive them, and the lease of this controller.

What runs in a batch job has no pipe that tells it of its host's end: the controller ends it after a while.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.actions import EndEngine, Look, Stop
from engineroom.core.engines import Engine
from engineroom.core.events import HostUp
from engineroom.core.presence.agenda import Key, Kind
from engineroom.core.presence.engines import host_cut_off, host_left
from engineroom.core.presence.register import Host
from engineroom.core.prospects import host_gone
from engineroom.ids import Peer
from engineroom.protocol.closing import Closing
from engineroom.protocol.messages import Coming

if TYPE_CHECKING:
    from engineroom.core.state import ControllerState


def began(state: ControllerState, host: bytes) -> None:
    """The controller listens; `host`: without it, it ends. The host has the whole of the lease to come."""
    state.presence.own_host = host
    if host:
        _put(state, Key(Kind.LEASE), state.limits.lease)


def host_up(state: ControllerState, peer: Peer, event: HostUp) -> None:
    """A host is there, for the first time or again."""
    presence = state.presence
    known = presence.hosts.get(event.host)
    if known is not None:
        presence.host_peers.pop(known.known_as, None)
    host = presence.hosts[event.host] = presence.host_peers[peer] = Host(
        event.host, peer, event.pid, tunnel=event.tunnel
    )
    presence.left.pop(host.id, None)
    state.hosts.setdefault(host.id, Coming(restarts=True))  # until it says what it does; it may be cut off before that
    for kind in (Kind.HOST, Kind.ORPHANS):
        presence.agenda.drop(Key(kind, host.id))
    if host.id == presence.own_host:
        presence.agenda.drop(Key(Kind.LEASE))


def host_closed(state: ControllerState, peer: Peer, closing: Closing) -> None:
    """The connection of a host is gone: for good, at once or once it has had the time to connect again."""
    presence, limits = state.presence, state.limits
    host = presence.host_peers.get(peer)
    if host is None or host.peer != peer:
        return
    host.peer = host.silent_since = None
    if host.id == presence.own_host:
        _put(state, Key(Kind.LEASE), limits.lease)
    if closing.clean:
        presence.note_left(host.id)
        _forget(state, host)
        host_left(state, host.id)
        return
    host_cut_off(state, host.id)
    if any(_launched_by(state, host.id)):
        _put(state, Key(Kind.ORPHANS, host.id), limits.lease)
    factor = limits.tunnel_factor if host.tunnel else 1.0
    _put(state, Key(Kind.HOST, host.id), limits.reconnect_timeout if closing.cut else limits.reattach_grace * factor)
    if host.pid:
        state.out.append(Look(peer, host.pid))


def seen(state: ControllerState, peer: Peer, *, lives: bool) -> None:
    """The process of a host whose connection is gone has been looked for."""
    host = state.presence.host_peers.get(peer)
    if host is not None and host.peer is None and not lives:
        host_due(state, host.id)


def host_due(state: ControllerState, id_: bytes) -> None:
    """A host has not come back in time."""
    if (host := state.presence.hosts.get(id_)) is not None:
        _forget(state, host)
    else:  # it has not connected since this controller was started
        host_gone(state, id_)


def await_host(state: ControllerState, id_: bytes) -> None:
    """The controller before this one had engines of a host, which will say what has become of them, and of others."""
    if id_ not in state.hosts:
        state.hosts[id_] = Coming(restarts=True)
        _put(state, Key(Kind.HOST, id_), state.limits.reconnect_timeout)


def expect_host(state: ControllerState, engine: Engine) -> None:
    """An engine has joined, perhaps long after its host was killed: its job may have waited in a queue."""
    presence = state.presence
    if state.first_attempt and engine.spawned and not (engine.host in presence.hosts or engine.host in presence.left):
        await_host(state, engine.host)
    key = Key(Kind.ORPHANS, engine.host)
    if engine.launched and not state.presence.host_is_here(engine.host) and key not in state.presence.agenda:
        _put(state, key, state.limits.lease)


def orphans_due(state: ControllerState, host: bytes) -> None:
    """Engines in jobs have been without their host for the whole of the lease."""
    reason = f"the ipcluster that started this engine has been gone for {state.limits.lease:g} s"
    engines = [engine for engine in _launched_by(state, host) if engine.connected]
    state.out += [EndEngine(engine.known_as, engine.id, reason) for engine in engines]


def lease_due(state: ControllerState) -> None:
    """The host that had this controller started has been away for the whole of the lease."""
    seconds = state.limits.lease
    state.out.append(Stop(f"the ipcluster that started this controller has been gone for {seconds:g} s"))


def _forget(state: ControllerState, host: Host) -> None:
    presence = state.presence
    presence.agenda.drop(Key(Kind.HOST, host.id))
    del presence.hosts[host.id], presence.host_peers[host.known_as]
    host_gone(state, host.id)


def _launched_by(state: ControllerState, host: bytes) -> list[Engine]:
    return [engine for engine in state.engines.values() if engine.launched and engine.host == host]


def _put(state: ControllerState, key: Key, seconds: float) -> None:
    state.presence.agenda.put(key, state.now + seconds)
    state.wake(state.now + seconds)
