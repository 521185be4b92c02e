"""Clients connect, disconnect, reconnect, cancel tasks and acknowledge results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.prefetch import ask_back, refresh
from engineroom.core.results import expire_at, give_up, let_go, recall_dropped
from engineroom.core.sessions import Session
from engineroom.core.task_states import State
from engineroom.core.tasks import Task
from engineroom.ids import Peer, SessionId, TaskId, number_of, session_of
from engineroom.protocol.messages import Abort, Delivered, EngineJoined, EngineLeft, Interrupt, Outcome, Status

if TYPE_CHECKING:  # the state holds sessions
    from engineroom.core.state import ControllerState


def known_up_to(state: ControllerState, session: SessionId) -> int:
    """Return the number up to which every task of `session` has arrived; 0 for none."""
    known = state.sessions.get(session)
    return 0 if known is None else known.known_up_to


def client_up(state: ControllerState, peer: Peer, id_: SessionId) -> None:
    """A client is there: it learns of the engines, and gets again what it may not have."""
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
    session.peer = peer
    state.clients[peer] = session
    for engine in state.engines.values():
        state.send(peer, EngineJoined(engine.id, engine.instance, engine.info))
    recall_dropped(state, session)
    for kept in session.results.values():
        state.send(peer, kept.result, kept.body)


def _caught_up(state: ControllerState, session: Session) -> None:
    """What its client has not read is gone with its connection."""
    if session.behind:
        session.behind = False
        state.relieved[session] = None


def client_gone(state: ControllerState, peer: Peer) -> None:
    """The connection of a client is gone: its tasks go on, their results are kept for a while."""
    session = state.clients.pop(peer, None)
    if session is None:
        return
    session.peer = None
    session.gone_at = state.now
    state.gone[session.id] = session
    _caught_up(state, session)
    expire_at(state, state.now + state.limits.linger)


def delivered(state: ControllerState, peer: Peer, message: Delivered) -> None:
    """Results are with their client for good. O(newly covered)."""
    session = state.clients.get(peer)
    if session is None:
        return
    up_to = min(message.up_to, session.known_up_to)
    first = session.delivered_up_to + 1
    if up_to >= first:
        session.delivered_up_to = up_to
        covered: range | list[int] = range(first, up_to + 1)
        if len(covered) > 2 * len(session.results) + 100:  # numbers need not be consecutive
            covered = [number for number in session.results if number <= up_to]
        for number in covered:
            let_go(state, session, number)
    for number in message.also:
        let_go(state, session, number)


def abort(state: ControllerState, message: Abort) -> None:
    """Withdraw tasks that have not started; interrupt those that have, if asked to."""
    outcome = Outcome(Status.ABORTED, 0.0, 0.0)
    for task_id in message.tasks:
        task = _unfinished(state, task_id)
        if task is not None:
            task.interrupt = message.interrupt
            _withdraw(state, task, outcome)


def body_lost(state: ControllerState, task_id: TaskId) -> None:
    """The bytes of a Submit will never be complete: none of its tasks can start."""
    session = state.sessions.get(session_of(task_id))
    if session is None:
        return
    outcome = Outcome(
        Status.UNSENT, 0.0, 0.0, ("the connection was lost before the arguments of this task had arrived")
    )
    number = number_of(task_id)
    task = session.tasks.get(number)
    while task is not None and task.submit.task == task_id:
        _withdraw(state, task, outcome)
        number += 1
        task = session.tasks.get(number)


def _unfinished(state: ControllerState, task_id: TaskId) -> Task | None:
    session = state.sessions.get(session_of(task_id))
    return None if session is None else session.tasks.get(number_of(task_id))


def _withdraw(state: ControllerState, task: Task, outcome: Outcome) -> None:
    """End `task` with `outcome` unless it has started or turns out to have."""
    engine = task.engine
    if engine is None:
        give_up(state, task, outcome)
        if task.pool is not None:
            task.pool.queue.discard(task)
        else:
            task.session.parked.pop(task.number, None)
        return
    task.withdrawn = outcome
    if task.state is State.SENT:
        ask_back(state, task, engine)
        refresh(state, engine)
    elif task.state is State.STARTED and task.interrupt:
        state.send(engine.peer, Interrupt(task.id, task.attempt))
