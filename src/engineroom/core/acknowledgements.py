"""Telling engines which of their results they may forget: in batches, each once.

Results do not arrive in the order of their numbers: a long one is here only when all of it is, and small ones
overtake it. So what is told is exact: a watermark below which nothing is missing, and numbers beyond it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.engines import Engine
from engineroom.protocol.messages import Delivered

if TYPE_CHECKING:  # the state holds engines
    from engineroom.core.state import ControllerState


_TOGETHER = 64
"""For each so many engines, all of them wait a little longer: each message to one of them takes as long as a task."""

_BEYOND = 10_000
"""So many numbers beyond the watermark are remembered, to move it on when the gap below them closes."""


def acknowledge(state: ControllerState, engine: Engine | None, number: int) -> None:
    """Result `number` is where it should be: its engine, unless that is gone, may forget it."""
    if engine is None or engine.lost or not number:
        return
    engine.unacknowledged.pop(number, None)
    engine.fresh[number] = None
    owe(state, engine)


def owe(state: ControllerState, engine: Engine) -> None:
    """`engine` is to be told what is `fresh`: soon, or now if that is much; not if it is gone."""
    if engine.lost:
        engine.fresh.clear()
        return
    if len(engine.fresh) >= state.limits.acknowledge_results and engine.peer is not None:
        tell(state, engine)
        return
    state.owed[engine] = None
    if state.owed_at is None:
        state.owed_at = state.now + state.limits.acknowledge_seconds * (1 + len(state.engines) // _TOGETHER)
        state.wake(state.owed_at)


def tell(state: ControllerState, engine: Engine) -> None:
    """Tell `engine`, which is connected, what it may forget."""
    fresh = engine.fresh
    up_to = engine.delivered_up_to
    if fresh and not engine.beyond and min(fresh) > up_to and max(fresh) == up_to + len(fresh):  # there is no gap
        engine.delivered_up_to = max(fresh)
        fresh.clear()
    else:
        _move_on(engine)
    for message in Delivered.of(engine.delivered_up_to, fresh):
        state.send(engine.peer, message)
    fresh.clear()
    state.owed.pop(engine, None)


def _move_on(engine: Engine) -> None:
    """Move the watermark up to the next gap."""
    beyond = engine.beyond
    beyond.update(number for number in engine.fresh if number > engine.delivered_up_to)
    while engine.delivered_up_to + 1 in beyond:
        engine.delivered_up_to += 1
        beyond.discard(engine.delivered_up_to)
    if len(beyond) > _BEYOND:
        beyond.clear()  # this engine did not begin at 1 with us: the watermark stays where it is


def tell_all(state: ControllerState) -> None:
    """Tell every connected engine; those that are away are told when they come back."""
    for engine in list(state.owed):
        if engine.peer is not None:
            tell(state, engine)
    state.owed.clear()
    state.owed_at = None
