"""What must hold of presence after every event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.presence.agenda import Key, Kind

if TYPE_CHECKING:
    from engineroom.core.state import ControllerState


def check_presence(state: ControllerState) -> None:
    """Assert that nobody is away without a time at which that ends. O(everything): for tests."""
    _check_absences(state)
    _check_hosts(state)
    _check_silence(state)


def _check_absences(state: ControllerState) -> None:
    presence = state.presence
    away = {engine.instance for engine in state.engines.values() if not engine.connected}
    assert away == set(presence.absent), "an engine is away, and nobody waits for it"
    for instance, absence in presence.absent.items():
        assert absence.engine is state.instances[instance]
        assert Key(Kind.ENGINE, instance) in presence.agenda, "an engine may be away for ever"
        assert not (absence.seen and absence.dying)
        assert instance not in presence.exits, "the end of an engine is known, and it is still waited for"
    assert not presence.exits.keys() & state.departed.keys()


def _check_hosts(state: ControllerState) -> None:
    presence = state.presence
    assert {host.known_as: host for host in presence.hosts.values()} == presence.host_peers
    for id_, host in presence.hosts.items():
        assert host.id == id_
        assert id_ not in presence.left
        assert host.peer in {None, host.known_as}
        assert (host.peer is None) == (Key(Kind.HOST, id_) in presence.agenda), "a host may be away for ever"
        if host.peer is not None:
            assert Key(Kind.ORPHANS, id_) not in presence.agenda, "engines are to end though their host is here"
    if presence.host_is_here(presence.own_host):
        assert Key(Kind.LEASE) not in presence.agenda, "the lease runs though the host is here"


def _check_silence(state: ControllerState) -> None:
    presence = state.presence
    here = {engine.known_as for engine in state.engines.values() if engine.connected}
    here.update(host.peer for host in presence.hosts.values() if host.peer is not None)
    assert here | state.clients.keys() <= presence.links
    assert presence.silent.keys() <= presence.links
    for engine in state.engines.values():
        if engine.connected and engine.silent_since is not None:
            assert engine.known_as in presence.silent, "an engine is called unresponsive, and nobody listens for it"
            assert engine.level < 0, "an unresponsive engine is sent balanced tasks"
    for host in presence.hosts.values():
        if host.silent_since is not None:
            assert host.peer in presence.silent, "a host is called unresponsive, and nobody listens for it"
    assert all(since <= state.now for since in presence.silent.values())
    assert not state.limits.ping_every or not presence.links or Key(Kind.SILENCE) in presence.agenda
