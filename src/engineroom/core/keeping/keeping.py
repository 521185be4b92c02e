"""Clients keep calls and forget them. What is kept is bounded for each client."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from engineroom.core.actions import Accept, DropBody
from engineroom.core.bounds import size_in_words
from engineroom.core.events import KeptHere, KeptLost
from engineroom.core.forgetting import drop_functions_of, function_is_idle, function_of, function_used
from engineroom.core.keeping.calls import KeptCall, instances_in, size_of
from engineroom.core.keeping.running import add, drop, go_on
from engineroom.core.not_allowed import MOST_KEPT, not_allowed
from engineroom.core.sessions import Session
from engineroom.ids import INSTANCE_BYTES, Peer
from engineroom.protocol.messages import Answer, Forget, Keep, KeptRan

if TYPE_CHECKING:  # the state holds kept calls
    from engineroom.core.state import ControllerState


def keep(state: ControllerState, peer: Peer, message: Keep, body: object = None) -> None:
    """A client wants a call kept. What is kept already is not kept twice, but its bytes may be taken now."""
    session = state.clients.get(peer)
    if session is None:
        return
    if message.kept > MOST_KEPT or len(message.has) % INSTANCE_BYTES:
        raise not_allowed(session, message)
    call = session.kept.get(message.kept)
    refused = "" if call is not None else _too_much(state, session, message)
    state.send(peer, Answer(message.number, error=refused))
    if call is None and not refused:
        _begin(state, session, message, body)
    elif call is not None:
        call.named = True
        _tell_again(state, peer, call)
        if body is not None and not call.whole and call.body is None:
            call.body = body
            state.out.append(Accept(body))
            return
    if body is not None and (call is not None or refused):
        state.out.append(DropBody(body))


def _begin(state: ControllerState, session: Session, message: Keep, body: object) -> None:
    function = function_of(state, message.call.function)
    function_used(state, function, session)
    call = session.kept[message.kept] = KeptCall(session, message, function, body)
    state.kept[call.id] = call
    call.ended.update(dict.fromkeys(instances_in(message.has), ""))
    if body is not None:
        state.out.append(Accept(body))
    for engine in state.engines.values():
        if call.is_for(engine):
            add(state, engine, call)


def _tell_again(state: ControllerState, peer: Peer, call: KeptCall) -> None:
    for instance, error in call.ended.items():
        engine = state.instances.get(instance)
        if engine is not None:
            state.send(peer, KeptRan(call.keep.kept, engine.id, instance, error))


def _too_much(state: ControllerState, session: Session, message: Keep) -> str:
    """Return why a call can't be kept as well, "" if it can."""
    limit, its = state.limits.keep_bytes, size_of(message)
    if (function := state.functions.get(message.call.function)) is not None:
        its += function.size
    kept = sum(call.size + call.function.size for call in session.kept.values())
    if kept + its <= limit:
        return ""
    beside = f", and {size_in_words(kept)} are kept already" if kept else ""
    return (
        f"the call {message.what!r} cannot be kept: it takes {size_in_words(its)}{beside}; a client may keep "
        f"{size_in_words(limit)} (IPController.max_kept_call_bytes). Keep less, `rc.forget()` what you do not "
        "need any more, or have the engines read large data from files"
    )


def kept_body_here(state: ControllerState, peer: Peer, event: KeptHere) -> None:
    """The bytes of a kept call are complete."""
    call = _awaited(state, peer, event)
    if call is None:
        return
    call.whole = True
    for engine in list(state.engines.values()):
        if call.id in engine.first:
            go_on(state, engine)


def kept_body_lost(state: ControllerState, peer: Peer, event: KeptLost) -> None:
    """The bytes of a kept call will not come; its client says them again when it is back."""
    call = _awaited(state, peer, event)
    if call is not None:
        call.body = None


def _awaited(state: ControllerState, peer: Peer, event: KeptHere | KeptLost) -> KeptCall | None:
    """Return the call whose bytes these are, if it waits for them."""
    session = state.clients.get(peer)
    call = None if session is None else session.kept.get(event.kept)
    return None if call is None or call.whole or call.body is not event.body else call


def client_lost(session: Session) -> None:
    """The connection of a client is gone: what it was sending will not come from there."""
    for call in session.kept.values():
        call.named = False
        if not call.whole:
            call.body = None


def forget(state: ControllerState, peer: Peer, message: Forget) -> None:
    """A client wants a call, or all of its calls, kept no longer."""
    session = state.clients.get(peer)
    if session is None:
        return
    _end(state, session, [message.kept] if message.kept else list(session.kept))


def forget_unnamed(state: ControllerState, session: Session) -> None:
    """A client that has connected again has named all calls that it keeps: it has forgotten the others."""
    _end(state, session, [number for number, call in session.kept.items() if not call.named])


def forget_gone(state: ControllerState) -> None:
    """Forget what clients keep that have been gone for too long."""
    for session in state.gone.values():
        if session.kept and session.gone_at + state.limits.linger <= state.now:
            _end(state, session, list(session.kept))
            drop_functions_of(state, session)


def _end(state: ControllerState, session: Session, numbers: Iterable[int]) -> None:
    calls = [call for number in numbers if (call := session.kept.pop(number, None)) is not None]
    for call in calls:
        del state.kept[call.id]
        if call.body is not None and not call.whole:
            state.out.append(DropBody(call.body))
        function = call.function
        function.users -= 1
        if not function.users and function.hash:
            function_is_idle(state, function.hash)
    for engine in list(state.engines.values()):
        drop(state, engine, calls)
