"""A task waits for tasks that it has submitted: its engine has time for those, and for nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.engines import Engine
from engineroom.core.families import descends_from
from engineroom.core.holding import held_attempt
from engineroom.core.placement import feed
from engineroom.core.prefetch import ask_all_back
from engineroom.core.started import mark_started
from engineroom.core.task_states import State
from engineroom.core.tasks import Task
from engineroom.ids import Peer
from engineroom.protocol.messages import RunsWithin, Waits

if TYPE_CHECKING:  # the state holds engines
    from engineroom.core.state import ControllerState


def waits(state: ControllerState, peer: Peer, message: Waits) -> None:
    """An attempt waits for tasks of its own, or goes on."""
    found = held_attempt(state, peer, message.task, message.attempt)
    if found is None:
        return
    task, engine = found
    mark_started(state, task, engine)
    engine.waits_no_more(task.id)
    if message.waits:
        engine.waiting.append(task.id)
        _uncount(task, engine)
        _make_room(state, engine)
    feed(state, engine)


def _uncount(task: Task, engine: Engine) -> None:
    """What waits is no load; what it has taken is counted at its end."""
    engine.load -= task.cost
    if task.target < 0:
        task.session.used -= task.cost
    task.cost = 0.0


def _make_room(state: ControllerState, engine: Engine) -> None:
    """Ask for what would only wait on `engine`; say of what descends from its task that it may run now."""
    top = engine.waiting[-1]
    away = []
    for task in engine.held.values():
        if task.state is not State.SENT or task.target >= 0:
            continue
        if not descends_from(state, task, top):
            away.append(task)
        elif task.submit.within not in engine.held:  # else it waits until its own parent does
            state.send(engine.peer, RunsWithin(task.id, task.attempt, top))
    if away:
        ask_all_back(state, away, engine)
