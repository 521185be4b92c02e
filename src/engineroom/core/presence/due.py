"""Does what presence has on its agenda for now."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, assert_never

from engineroom.core.attaching import attach_at_last
from engineroom.core.forcing import forced_due
from engineroom.core.presence import engines, hosts, silence
from engineroom.core.presence.agenda import Key, Kind
from engineroom.core.recovery import over
from engineroom.core.restored_tasks import nobody_returned
from engineroom.core.withdrawals import client_ended
from engineroom.ids import Peer

if TYPE_CHECKING:
    from engineroom.core.state import ControllerState


_OF_ALL: dict[Kind, Callable[[ControllerState], None]] = {
    Kind.SILENCE: silence.listen,
    Kind.ECHO: silence.listen_again,
    Kind.RECOVERY: over,
    Kind.RETURNS: nobody_returned,
    Kind.ATTACHES: attach_at_last,
}


def do_what_is_due(state: ControllerState) -> None:
    """Do all whose time has come; what it puts on the agenda for now is for the next Tick."""
    agenda = state.presence.agenda
    due = []
    while (key := agenda.take(state.now)) is not None:
        due.append(key)
    for key in due:
        _do(state, key)


def seen(state: ControllerState, peer: Peer, *, lives: bool, at_once: bool) -> None:
    """A process has been looked for: of an engine or of a host."""
    if peer in state.engine_peers:
        engines.seen(state, peer, lives=lives, at_once=at_once)
    else:
        hosts.seen(state, peer, lives=lives)


def _do(state: ControllerState, key: Key) -> None:
    match key.kind:
        case Kind.ENGINE:
            engines.engine_due(state, key.who)
        case Kind.AWAY:
            engines.away_due(state, key.who)
        case Kind.HOST:
            hosts.host_due(state, key.who)
        case Kind.ORPHANS:
            hosts.orphans_due(state, key.who)
        case Kind.LEASE:
            hosts.lease_due(state)
        case Kind.SILENCE | Kind.ECHO | Kind.RECOVERY | Kind.RETURNS | Kind.ATTACHES as kind:
            _OF_ALL[kind](state)
        case Kind.FORCED | Kind.ENDED as kind:
            (forced_due if kind is Kind.FORCED else client_ended)(state, key.who)
        case _:
            assert_never(key.kind)
