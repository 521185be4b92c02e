"""Links that have fallen silent: pinged when they are quiet, and told of when no answer comes.

The kernel of a machine answers for processes that do not: that a process is stopped, or that its C code holds the
interpreter, only an answer of its own can tell. Such an engine is unresponsive: it lives, and may go on at any moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.actions import HangUp, Listen, Send
from engineroom.core.placement import feed
from engineroom.core.prefetch import refresh
from engineroom.core.presence.agenda import Key, Kind
from engineroom.core.presence.engines import give_up
from engineroom.core.presence.telling import tell_clients
from engineroom.ids import Peer
from engineroom.protocol.messages import Ping

if TYPE_CHECKING:
    from engineroom.core.state import ControllerState

_ECHOES = 6
"""How often in a round those that are unresponsive are looked at."""

_LATE = 0.5
"""Rounds by which a round may be late: after that it was this process that did not run."""


def link_up(state: ControllerState, peer: Peer) -> None:
    """Somebody is connected."""
    presence = state.presence
    presence.links.add(peer)
    if state.limits.ping_every > 0 and Key(Kind.SILENCE) not in presence.agenda:
        presence.listened_at = state.now
        _next_round(state)


def link_down(state: ControllerState, peer: Peer) -> None:
    """Somebody's connection is gone."""
    state.presence.links.discard(peer)
    state.presence.silent.pop(peer, None)


def listen(state: ControllerState) -> None:
    """It is time for a round, as long as anybody is connected."""
    if state.presence.links:
        state.out.append(Listen())
        _next_round(state)


def listen_again(state: ControllerState) -> None:
    """Look at those that are called unresponsive, between rounds: people wait for them."""
    told = tuple(peer for peer in state.presence.silent if _is_told(state, peer))
    if told:
        state.out.append(Listen(told))
        _next_echo(state)


def quiet(state: ControllerState, peers: tuple[Peer, ...], asked: tuple[Peer, ...] | None) -> None:
    """Nothing has come from `peers`, and something from all others that were looked at: `asked`, None for all."""
    if asked is None:
        _end_round(state, peers)
        return
    for peer in asked:
        if peer not in peers and state.presence.silent.pop(peer, None) is not None:
            _answers(state, peer)


def _end_round(state: ControllerState, peers: tuple[Peer, ...]) -> None:
    presence, limits = state.presence, state.limits
    before, presence.listened_at = presence.listened_at, state.now
    late = state.now - before > (1 + _LATE) * limits.ping_every
    still = presence.links.intersection(peers)
    for peer in presence.silent.keys() - still:
        del presence.silent[peer]
        _answers(state, peer)
    for peer in sorted(still):
        since = presence.silent.get(peer)
        if since is None or (late and not _is_told(state, peer)):
            presence.silent[peer] = state.now if late else before
            state.out.append(Send(peer, Ping(0)))
        elif state.now - since >= limits.unresponsive:
            _does_not_answer(state, peer, since)


def _is_told(state: ControllerState, peer: Peer) -> bool:
    whose = state.engine_peers.get(peer) or state.presence.host_peers.get(peer)
    return whose is not None and whose.silent_since is not None


def _does_not_answer(state: ControllerState, peer: Peer, since: float) -> None:
    engine = state.engine_peers.get(peer)
    if engine is None:
        host = state.presence.host_peers.get(peer)
        if host is not None and host.silent_since is None:  # its engines go on, and whoever asks is told
            host.silent_since = since
            _next_echo(state)
        return
    limit = state.limits.unresponsive_timeout
    if limit > 0 and state.now - since >= limit:
        state.out.append(HangUp(peer, "it does not answer"))
        link_down(state, peer)
        give_up(state, engine, f"it has not answered for {state.now - since:.0f} s (unresponsive_timeout)")
    elif engine.silent_since is None:
        engine.silent_since = since
        refresh(state, engine)
        tell_clients(state, engine)
        _next_echo(state)


def _answers(state: ControllerState, peer: Peer) -> None:
    engine, host = state.engine_peers.get(peer), state.presence.host_peers.get(peer)
    if host is not None:
        host.silent_since = None
    if engine is not None and engine.silent_since is not None:
        engine.silent_since = None
        refresh(state, engine)
        tell_clients(state, engine)
        feed(state, engine)


def _next_round(state: ControllerState) -> None:
    when = state.now + state.limits.ping_every
    state.presence.agenda.put(Key(Kind.SILENCE), when)
    state.wake(when)


def _next_echo(state: ControllerState) -> None:
    when = state.now + state.limits.ping_every / _ECHOES
    state.presence.agenda.put(Key(Kind.ECHO), when)
    state.wake(when)
