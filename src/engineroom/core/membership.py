"""Engines join, disconnect, reconnect and die."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from engineroom.core.acknowledgements import tell
from engineroom.core.actions import EndEngine, Lost
from engineroom.core.attempts import given_back, run_later
from engineroom.core.claims import engine_lost, take
from engineroom.core.engines import Departed, Engine
from engineroom.core.events import Dismiss, EngineUp
from engineroom.core.following import end_those_who_follow
from engineroom.core.holding import Account, withdraw
from engineroom.core.inputs import no_inputs_there
from engineroom.core.keeping import running as kept_calls
from engineroom.core.losses import Loss, lose_tasks
from engineroom.core.placement import feed
from engineroom.core.prefetch import refresh
from engineroom.core.presence.telling import is_here_again
from engineroom.core.prospects import end_hopeless, not_unsaid
from engineroom.core.recovery import is_back
from engineroom.core.returns import broken_off
from engineroom.core.started import mark_started
from engineroom.core.task_states import State
from engineroom.core.waiting import resume
from engineroom.ids import Instance, Peer, TaskId
from engineroom.protocol.messages import EngineJoined, EngineLeft, Held, Refused
from engineroom.protocol.ranges import MOST_ENGINES
from engineroom.protocol.task_ranges import attempt_ranges
from engineroom.protocol.texts import brief

if TYPE_CHECKING:  # the state holds engines
    from engineroom.core.state import ControllerState


_GIVEN_UP = "this engine was given up as lost"
_CAUSE = 1000
"""Bytes of a cause that are kept: several may stand in the reason of one task's end."""


def engine_up(state: ControllerState, peer: Peer, event: EngineUp) -> None:
    """An engine is there: new, connected again, or given up for dead too early."""
    engine = state.instances.get(event.instance)
    if engine is not None:
        disconnect(state, engine)
        del state.engine_peers[engine.known_as]
        dismissed = engine.dismissed
        _meet(state, engine, peer, event, again=engine.met)
        if dismissed:
            _dismiss(state, engine, dismissed)
        return
    id_ = _choose_id(state, event)
    if id_ is None:
        state.send(peer, _refusal(state, event))
        return
    first = not state.any_joined
    engine = state.engines[id_] = state.instances[event.instance] = Engine(id_, event.instance, event.info)
    state.departed.pop(event.instance, None)
    not_unsaid(state, event.instance)
    engine.since = state.now
    state.last_life += 1
    engine.life = state.last_life
    state.lives[engine.life] = engine
    _note_use(state, id_)
    if state.kept:
        kept_calls.expect(state, engine)
    _meet(state, engine, peer, event, again=False)
    for session in state.clients.values():
        state.send(session.peer, EngineJoined(id_, event.instance, event.info))
    if first:  # tasks may wait for ids that only engines before a restart had
        end_hopeless(state)


def _meet(state: ControllerState, engine: Engine, peer: Peer, event: EngineUp, *, again: bool) -> None:
    """`engine` is connected, and is about to say what it holds."""
    engine.known_as = peer
    engine.info, engine.host = event.info, event.host
    engine.spawned, engine.launched = event.spawned, event.launched
    engine.pid, engine.tunnel = event.pid, event.tunnel
    state.presence.back(engine)
    is_here_again(state, engine)
    engine.account = Account(engine, again=again)
    state.engine_peers[peer] = engine


def held(state: ControllerState, peer: Peer, piece: Held) -> None:
    """An engine says what it holds; with the last piece it is back."""
    engine = state.engine_peers.get(peer)
    account = None if engine is None else engine.account
    if engine is None or account is None:
        return
    unknown = take(state, engine, account, piece) if state.first_attempt else account.note(piece)
    if unknown:
        withdraw(state, engine, unknown)
    if piece.last:
        engine.account = None
        _connect(state, engine, peer)
        if engine.first:
            kept_calls.connected(state, engine)
        _reconcile(state, engine, account)
        if account.again:
            tell(state, engine)
        feed(state, engine)
        if state.recovery is not None or state.late:
            is_back(state, engine)


def _choose_id(state: ControllerState, event: EngineUp) -> int | None:
    """Return the id for an engine that has none; None if the one it wants is taken.

    An engine whose host chose the id gets another one: a different engine already has it.
    The ranks of a world that was launched as one want ids in their order; better others than none.
    """
    departed = state.departed.get(event.instance)
    wanted = event.wanted_id
    if departed is not None and wanted in (None, departed.id) and departed.id not in state.engines:
        return departed.id
    if wanted is None or wanted < 0:
        info = event.info
        if info.launch and info.mpi_rank >= 0:
            id_ = state.worlds.id_of(
                info.launch, info.mpi_rank, info.mpi_size, taken=state.engines, unused=state.all_unused_from
            )
            if id_ >= 0 and id_ not in state.engines:
                return id_
        former = _former_id(state, event)
        return _next_free(state) if former is None else former
    holder = state.engines.get(wanted)
    if holder is None and not _is_kept_for_another(state, wanted, event.host):
        return wanted
    # One that is away may be an earlier life of this engine, which keeps its id.
    if event.back:
        return None
    return _next_free(state) if event.or_another and (holder is None or holder.connected) else None


def _refusal(state: ControllerState, event: EngineUp) -> Refused:
    """Return why an engine can't have the id that it wants, and whether that will change."""
    holder = None if event.wanted_id is None else state.engines.get(event.wanted_id)
    if (
        holder is not None and not holder.met and not holder.connected
    ):  # its process may have ended while there was no controller
        return Refused(f"engine id {holder.id} is that of an engine that has not reconnected yet", final=False)
    departed = state.departed.get(event.instance)
    if departed is not None:
        return Refused(f"{_GIVEN_UP} ({departed.cause}), and another process has been engine {departed.id} since")
    if event.back:
        return Refused(f"{_GIVEN_UP}, and another process has been engine {event.wanted_id} since")
    return Refused(f"engine id {event.wanted_id} is already used by a running engine")


def _former_id(state: ControllerState, event: EngineUp) -> int | None:
    """Return the lowest id that an engine of the same set had and nobody has, if the host starts that set again.

    O(engines that are gone): for those alone that a launcher starts again.
    """
    launch, says = event.info.launch, state.hosts.get(event.host)
    if not launch or says is None or not says.returning:
        return None
    return min((gone.id for gone in state.departed_ids.values() if gone.launch == launch), default=None)


def _is_kept_for_another(state: ControllerState, wanted: int, host: bytes) -> bool:
    """Whether an id is that of an engine that a host, another one than `host`, may start again."""
    departed = state.departed_ids.get(wanted)
    return departed is not None and departed.host in state.hosts and departed.host != host


def _next_free(state: ControllerState) -> int | None:
    """Return the lowest id that was never used and is not reserved; rather a reserved one than none."""
    id_ = state.worlds.free_from(state.next_id)
    while state.was_used(id_):
        id_ = state.worlds.free_from(id_ + 1)
    if id_ < MOST_ENGINES:
        return id_
    return next((unused for unused in range(state.next_id, MOST_ENGINES) if not state.was_used(unused)), None)


def _note_use(state: ControllerState, id_: int) -> None:
    state.departed_ids.pop(id_, None)
    if id_ >= state.next_id:
        state.used_ids.add(id_)
    while state.next_id in state.used_ids:
        state.used_ids.remove(state.next_id)
        state.next_id += 1


def _connect(state: ControllerState, engine: Engine, peer: Peer) -> None:
    engine.peer, engine.met = peer, True
    engine.waiting.clear()  # it says so again if it still waits
    engine.closed, engine.full, engine.to_free = False, None, 0  # it says so again if it still is
    engine.stalled = False
    engine.progress = state.now
    for pool in state.pools.values():
        if pool.admits(engine):
            pool.add(engine)
    refresh(state, engine)


def disconnect(state: ControllerState, engine: Engine) -> None:
    """`engine` is sent nothing for now."""
    engine.account = None
    broken_off(state, engine)
    no_inputs_there(engine)
    if engine.peer is not None:
        engine.peer = None
        engine.closed = True
        refresh(state, engine)
        for pool in engine.pools:
            pool.remove(engine)
        engine.pools = []


def _reconcile(state: ControllerState, engine: Engine, account: Account) -> None:
    """Make what `engine` holds and what it should hold the same; what it should not is withdrawn already."""
    again: list[tuple[TaskId, int]] = []
    for task in list(engine.held.values()):
        if task.id in account.running:
            mark_started(state, task, engine)
        elif task.id not in account.there and task.state is State.REVOKING:
            given_back(state, task, engine)
        elif task.id not in account.there:
            run_later(state, task, engine)
        elif task.state is State.REVOKING:
            again.append((task.id, task.attempt))
    withdraw(state, engine, list(attempt_ranges(again)))
    resume(state, engine)


def lose(state: ControllerState, engine: Engine, loss: Loss) -> None:
    """`engine` is dead, or counts as dead."""
    kept_call = kept_calls.what_it_ran(engine) if engine.first else ""
    cause = f"{loss.cause}; {kept_call}" if kept_call else loss.cause
    loss = replace(loss, cause=brief(cause, _CAUSE), words=brief(loss.words))
    for call in state.kept.values():
        call.ended.pop(engine.instance, None)
    disconnect(state, engine)
    engine.lost = True
    peer = engine.known_as
    del state.engine_peers[peer], state.engines[engine.id], state.instances[engine.instance], state.lives[engine.life]
    state.presence.back(engine)
    state.out.append(Lost(peer, engine.id, loss.cause))
    host = state.presence.hosts.get(engine.host)
    if host is not None and engine.launched and not engine.spawned:  # else it is the host that knows best
        state.send(host.peer, EngineLeft(engine.id, engine.instance, loss.cause))
    state.owed.pop(engine, None)
    engine.unacknowledged.clear()
    _note_departure(
        state,
        Departed(engine.id, engine.instance, loss.cause, state.now, engine.host, engine.spawned, engine.info.launch),
    )
    for session in state.clients.values():
        state.send(session.peer, EngineLeft(engine.id, engine.instance, loss.cause))
    engine.followers.clear()
    if state.first_attempt:
        engine_lost(state, engine, loss.cause)
    lose_tasks(state, engine, loss)
    end_those_who_follow(state, engine)
    end_hopeless(state)
    if state.recovery is not None or state.late:
        is_back(state, engine)


def dismiss(state: ControllerState, event: Dismiss) -> None:
    """Engines are to end: `host` may say so of its own only."""
    for engine_id in event.engines:
        engine = state.engines.get(engine_id)
        if engine is not None and event.host in (b"", engine.host):
            _dismiss(state, engine, event.reason)


def _dismiss(state: ControllerState, engine: Engine, reason: str) -> None:
    """Have `engine` end, or if it is away, once it is back."""
    engine.dismissed = reason
    if engine.connected:
        state.out.append(EndEngine(engine.known_as, engine.id, reason))


def _note_departure(state: ControllerState, departed: Departed) -> None:
    state.departed[departed.instance] = departed
    state.departed_ids[departed.id] = departed
    if len(state.departed) > state.limits.departed:
        _, oldest = state.departed.popitem(last=False)
        not_unsaid(state, oldest.instance)
        if state.departed_ids.get(oldest.id) is oldest:
            del state.departed_ids[oldest.id]


def engine_id_of(state: ControllerState, instance: Instance) -> int | None:
    """Return the id of the engine with this instance; None if it is not in."""
    engine = state.instances.get(instance)
    return None if engine is None else engine.id


def is_here(state: ControllerState, instance: Instance) -> bool:
    """Whether this engine has said, to this controller, what it holds."""
    engine = state.instances.get(instance)
    return engine is not None and engine.met
