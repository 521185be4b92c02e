"""Clients connect, disconnect, reconnect and acknowledge results."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from engineroom.core import outputs
from engineroom.core.adoption import has_told_all
from engineroom.core.arrivals import sender_gone
from engineroom.core.attaching import attach_at_last
from engineroom.core.edges import HasEnded
from engineroom.core.events import ClientUp
from engineroom.core.forgetting import drop_functions_of
from engineroom.core.journal import Reception
from engineroom.core.keeping.keeping import client_lost, forget_unnamed
from engineroom.core.presence.agenda import Key, Kind
from engineroom.core.presence.telling import tell_client
from engineroom.core.results import expire_at, let_go, recall_dropped, tell_ended
from engineroom.core.sessions import Session
from engineroom.core.tasks import Kept
from engineroom.core.unsent import ask_again, take_unsent
from engineroom.core.waiting import go_on_for, seek
from engineroom.core.whole_calls import drop_session, leave_calls, nobody_waits
from engineroom.ids import Peer, SessionId
from engineroom.protocol.messages import Delivered, EngineJoined, EngineLeft, Sync, Synced
from engineroom.protocol.task_ranges import found_in, ranges_of, without

if TYPE_CHECKING:  # the state holds all this
    from engineroom.core.engines import Engine
    from engineroom.core.state import ControllerState

_LOOKED_AT = 100


def known_up_to(state: ControllerState, session: SessionId) -> int:
    """Return the number up to which every task of `session` has arrived; 0 for none."""
    known = state.sessions.get(session)
    return 0 if known is None else known.known_up_to


def client_up(state: ControllerState, peer: Peer, event: ClientUp) -> None:
    """A client is there: it learns of the engines, and gets again what it may not have."""
    id_ = event.session
    session = state.sessions.get(id_)
    if session is None:
        session = state.sessions[id_] = Session(id_, state.limits.own_bytes)
    elif session.peer is None:
        del state.gone[id_]
        for departed in state.departed.values():
            if departed.at >= session.gone_at:
                state.send(peer, EngineLeft(departed.id, departed.instance, departed.cause))
    else:
        del state.clients[session.peer]
        _caught_up(state, session)
    leave_calls(state, session)  # it says anew what it watches
    session.withdraw, session.who = event.withdraw, event.who
    session.within = session.within or _engine_of(state, event)
    before, session.peer = session.peer, peer
    state.clients[peer] = session
    for engine in state.engines.values():
        state.send(peer, EngineJoined(engine.id, engine.instance, engine.info))
        if engine.silent_since is not None:
            tell_client(state, session, engine)
    recall_dropped(state, session)
    outputs.tell_again(state, session)  # before the ends of these tasks
    _tell_again(state, session)
    session.unnamed = set(session.staying)
    if before is not None:
        sender_gone(state, before, session)
        client_lost(session)
    ask_again(state, session, session.unsent)


def _engine_of(state: ControllerState, event: ClientUp) -> Engine | None:
    """Return the engine in one of whose tasks this client is."""
    return None if event.within is None else state.instances.get(event.within)


def sync(state: ControllerState, peer: Peer, message: Sync) -> None:
    """A client has submitted again what it had to: it is told that it knows all there is to know, too."""
    session = state.clients.get(peer)
    if session is not None:
        if state.first_attempt and not session.told:
            has_told_all(state, session, message.failed)
            attach_at_last(state)
            _tell_again(state, session)
            if state.journal.early:
                state.journal.received.append(_received_before(session))
        if message.whole:
            _let_go_unnamed(state, session)
        for function in list(state.away.values()):
            seek(state, function)
        state.send(peer, Synced())


def _let_go_unnamed(state: ControllerState, session: Session) -> None:
    """The client has named all that is to be kept for it: it needs nothing else, though it may have said so in vain."""
    unnamed, session.unnamed = session.unnamed, set()
    let_go(state, session, [number for number in unnamed if number in session.staying])
    forget_unnamed(state, session)


def _received_before(session: Session) -> Reception:
    """Return the tasks that a client has not submitted again: it has their results from an earlier controller."""
    here = ranges_of(sorted([*session.tasks, *session.results]))
    return Reception(session.id, 0, tuple(without([(1, session.known_up_to)], here)))


def _tell_again(state: ControllerState, session: Session) -> None:
    """Send a client all results that it may not have.

    Those of claims come after it has submitted their tasks again: else it would not do so, and no record be complete.
    """
    if state.first_attempt and not session.told:
        return
    alike: dict[int, tuple[Kept, list[int]]] = {}
    for number, kept in session.results.items():
        if kept.use is not None and (kept.use.delivered or kept.use.stays):
            continue  # it is here for other tasks
        if kept.result.task:
            state.send(session.peer, kept.result, kept.body)
        else:
            alike.setdefault(id(kept), (kept, []))[1].append(number)
    for kept, numbers in alike.values():
        tell_ended(state, session, kept, numbers)


def _caught_up(state: ControllerState, session: Session) -> None:
    """What its client has not read is gone with its connection."""
    if session.behind:
        session.behind = False
        state.relieved[session] = None


def client_gone(state: ControllerState, peer: Peer) -> None:
    """The connection of a client is gone: its tasks go on, their results are kept for a while."""
    session = state.clients.get(peer)
    if session is None:
        return
    del state.clients[peer]
    session.peer = None
    _caught_up(state, session)
    leave_calls(state, session)
    session.gone_at = state.now
    state.gone[session.id] = session
    if len(state.gone) > state.limits.gone_sessions:
        _forget_one(state)
    expire_at(state, state.now + state.limits.linger)
    if session.withdraw and session.tasks:
        when = state.now + state.limits.reattach_grace
        state.presence.agenda.put(Key(Kind.ENDED, session.id), when)
        state.wake(when)
    sender_gone(state, peer, session)
    client_lost(session)
    drop_functions_of(state, session)


def _forget_one(state: ControllerState) -> None:
    """Forget, of those who went first, one who has nothing here."""
    for session in islice(state.gone.values(), _LOOKED_AT):
        if not session.tasks and not session.results and not session.kept and not session.paused:
            drop_session(state, session)
            return


def delivered(state: ControllerState, peer: Peer, message: Delivered) -> None:
    """Results are with their client for good. O(newly covered)."""
    session = state.clients.get(peer)
    if session is None:
        return
    up_to = min(message.up_to, session.known_up_to)
    if state.journal.early:
        state.journal.received.append(Reception(session.id, up_to, message.also))
    first = session.delivered_up_to + 1
    if up_to >= first:
        session.delivered_up_to = up_to
        covered: range | list[int] = range(first, up_to + 1)
        if len(covered) > 2 * len(session.results) + 100:  # numbers need not be consecutive
            covered = [number for number in session.results if number <= up_to]
        let_go(state, session, covered)
        if session.unsent:
            _no_longer_unsent(state, session, up_to)
    if message.also:
        let_go(state, session, found_in(message.also, session.results))


def _no_longer_unsent(state: ControllerState, session: Session, up_to: int) -> None:
    """A client does not wait any more for what it was to submit again."""
    for number in [number for number in session.unsent if number <= up_to]:
        take_unsent(session, number)
        if number in session.awaited:
            state.news.append(HasEnded(session, number, None))
        if session.calls:
            nobody_waits(state, session, number)
    go_on_for(state, session)
