"""A controller goes on in the place of another one: it knows which engines there were, and expects them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.actions import Look
from engineroom.core.engines import Engine
from engineroom.core.events import KnownEngine, Restored
from engineroom.core.lives import LIFE_BITS
from engineroom.core.presence.engines import be_absent
from engineroom.core.presence.hosts import await_host
from engineroom.core.recovery import begin
from engineroom.ids import Peer

if TYPE_CHECKING:
    from engineroom.core.state import ControllerState

NOT_BACK = "it did not reconnect after the controller was restarted"


def restored(state: ControllerState, event: Restored) -> None:
    """Know what the controller before this one knew; its engines are away until they have connected."""
    if event.life:
        state.restored_at = state.now
    state.first_attempt = event.life << LIFE_BITS
    state.next_id, state.used_ids = event.next_id, set(event.used_ids)
    engines = [_expect(state, known, Peer(-1 - number)) for number, known in enumerate(event.engines)]
    begin(state, engines)


def _expect(state: ControllerState, known: KnownEngine, peer: Peer) -> Engine:
    """Have an engine be away; `peer`: stands for the connection that it has had."""
    up = known.up
    engine = state.engines[known.id] = state.instances[up.instance] = Engine(known.id, up.instance, up.info)
    engine.known_as, engine.since = peer, state.now
    engine.host, engine.spawned, engine.launched = up.host, up.spawned, up.launched
    engine.pid, engine.tunnel = up.pid, up.tunnel
    state.engine_peers[peer] = engine
    state.last_life += 1
    engine.life = state.last_life
    state.lives[engine.life] = engine
    if engine.spawned:
        await_host(state, engine.host)
    be_absent(state, engine, NOT_BACK, state.limits.reconnect_timeout)
    if engine.pid:
        state.out.append(Look(peer, engine.pid))
    return engine
