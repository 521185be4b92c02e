"""Engines whose connection is gone: dead, reconnecting, or cut off?

A closed connection is a dead process, nearly always; the host that started the engine knows why it died,
and is given a moment to say it. An engine whose process is seen to live, or whose host would say that it does not,
was cut off by the network, as was one that fell silent: it may come back until `reconnect_timeout`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.actions import Look
from engineroom.core.engines import Engine
from engineroom.core.losses import Loss
from engineroom.core.membership import disconnect, lose
from engineroom.core.presence.agenda import Key, Kind
from engineroom.core.presence.register import Absence, lost_by
from engineroom.core.presence.telling import tell_clients
from engineroom.core.prospects import end_is_said, lost_unsaid
from engineroom.ids import Instance, Peer
from engineroom.protocol.closing import Closing, Why
from engineroom.protocol.messages import EngineExited

if TYPE_CHECKING:
    from engineroom.core.state import ControllerState

HOST_ENDED = "its ipcluster has ended"


def engine_closed(state: ControllerState, peer: Peer, closing: Closing) -> None:
    """The connection of an engine is gone: find out whether the engine is."""
    engine = state.engine_peers.get(peer)
    presence, limits = state.presence, state.limits
    if engine is None or engine.instance in presence.absent:
        return  # it has another one, or is known to have none
    disconnect(state, engine)
    if engine.instance in presence.exits:
        give_up(state, engine, "")
    elif engine.dismissed or closing.why in {Why.GOODBYE, Why.REFUSED}:
        give_up(state, engine, engine.dismissed or closing.words or "it left")
    elif engine.pid:
        be_absent(state, engine, lost_by(closing), limits.reconnect_timeout)
        state.out.append(Look(peer, engine.pid))
    elif engine.spawned and engine.host in presence.left:
        give_up(state, engine, HOST_ENDED)
    else:
        factor = limits.tunnel_factor if engine.tunnel else 1.0
        patient = engine.spawned or closing.cut
        be_absent(
            state, engine, lost_by(closing), limits.reconnect_timeout if patient else limits.reattach_grace * factor
        )


def engine_exited(state: ControllerState, peer: Peer, exited: EngineExited) -> None:
    """A host says that the process of an engine has ended, and how.

    Of an engine of another host, it is believed only while that one is gone: a remote host that was killed says nothing
    more, and the ipcluster that had started it by ssh speaks for it.
    """
    end_is_said(state, exited.instance)
    if exited.instance in state.departed:
        return
    engine = state.instances.get(exited.instance)
    host = state.presence.host_peers.get(peer)
    if engine is not None and (host is None or (engine.host != host.id and state.presence.host_is_here(engine.host))):
        return
    state.presence.note_exit(exited)
    if engine is not None and not engine.connected:
        give_up(state, engine, "")
    # Else its last words are still on their way: its connection will end when they have been read.


def seen(state: ControllerState, peer: Peer, *, lives: bool, at_once: bool) -> None:
    """The process of an engine whose connection is gone has been looked for."""
    engine = state.engine_peers.get(peer)
    absence = None if engine is None else state.presence.absent.get(engine.instance)
    if engine is None or absence is None or (absence.dying and not at_once):
        return
    limits = state.limits
    if not lives:
        absence.seen = False
        if at_once and not engine.spawned:
            give_up(state, engine, _ended(engine))
        else:
            _ask_for_cause(state, engine, absence)
    elif state.now >= absence.until:
        give_up(state, engine, absence.cause)
    elif not at_once:
        # A process that is being killed closes its connections a moment before it counts as ended.
        pause = limits.look_every if absence.seen else limits.cause_seconds
        absence.seen = True
        _look_again(state, absence, min(state.now + pause, absence.until))


def host_left(state: ControllerState, host: bytes) -> None:
    """A host has said goodbye, and taken its engines along: those whose connection closed before that, too."""
    for absence in tuple(state.presence.absent.values()):
        if absence.engine.spawned and absence.engine.host == host:
            give_up(state, absence.engine, HOST_ENDED)


def host_cut_off(state: ControllerState, host: bytes) -> None:
    """The connection of a host is gone without a goodbye: it will not say now how its engines ended."""
    for absence in state.presence.absent.values():
        if absence.engine.spawned and absence.engine.host == host and absence.dying:
            _look_again(state, absence, state.now + state.limits.cause_seconds)


def engine_due(state: ControllerState, instance: bytes) -> None:
    """The time of an absence is over, or it is time to look for the engine's process once more."""
    absence = state.presence.absent.get(Instance(instance))
    if absence is None:
        return
    engine = absence.engine
    if absence.seen:
        _look_again(state, absence, max(absence.until, state.now + state.limits.look_every))
        state.out.append(Look(engine.known_as, engine.pid))
        return
    before = [] if absence.last_look else _before(state, absence)
    if before:  # they may have taken this one along
        absence.last_look = True
        state.out += [Look(each.known_as, each.pid, at_once=True) for each in before]
        _look_again(state, absence, state.now)
    else:
        give_up(state, engine, absence.cause)


def away_due(state: ControllerState, instance: bytes) -> None:
    """An engine has been away for so long that whoever waits for it is told."""
    absence = state.presence.absent.get(Instance(instance))
    if absence is not None:
        if absence.engine.silent_since is None:
            absence.engine.silent_since = state.now - state.limits.unresponsive
        tell_clients(state, absence.engine)


def give_up(state: ControllerState, engine: Engine, cause: str) -> None:
    """Declare `engine` lost. What its host has said of the end is the cause; else `cause`."""
    said = state.presence.exits.pop(engine.instance, None)
    if said is None:
        if not engine.dismissed:
            lost_unsaid(state, engine)
        lose(state, engine, Loss(cause))
    else:  # whoever was told to end did not do it by himself
        lose(state, engine, Loss(said.cause, said.own and not engine.dismissed, said.running, said.words))


def be_absent(state: ControllerState, engine: Engine, cause: str, seconds: float) -> None:
    """`engine` has no connection; it is given up after so many seconds, unless more becomes known before."""
    until = state.now + seconds
    absence = state.presence.absent[engine.instance] = Absence(engine, cause, until)
    _look_again(state, absence, until)
    state.presence.agenda.put(Key(Kind.AWAY, engine.instance), state.now + state.limits.unresponsive)
    state.wake(state.now + state.limits.unresponsive)


def _ask_for_cause(state: ControllerState, engine: Engine, absence: Absence) -> None:
    """Its process has ended: wait for its host to say how, if it has one that may."""
    presence, limits = state.presence, state.limits
    if engine.spawned and engine.host in presence.left:
        give_up(state, engine, HOST_ENDED)
        return
    absence.dying, absence.cause = True, _ended(engine)
    known = presence.hosts.get(engine.host)
    host_tells = engine.spawned and (known is None or known.peer is not None)
    _look_again(state, absence, state.now + (limits.host_seconds if host_tells else limits.cause_seconds))


def _before(state: ControllerState, absence: Absence) -> list[Engine]:
    """Return the engines that were cut off before, whose processes lived then, and of which no host says the end."""
    found = []
    for other in state.presence.absent.values():
        if other is absence:
            break
        if other.seen and not other.engine.spawned:
            found.append(other.engine)
    return found


def _look_again(state: ControllerState, absence: Absence, when: float) -> None:
    state.presence.agenda.put(Key(Kind.ENGINE, absence.engine.instance), when)
    state.wake(when)


def _ended(engine: Engine) -> str:
    return f"its process ended (pid {engine.info.pid} on {engine.info.host})"
