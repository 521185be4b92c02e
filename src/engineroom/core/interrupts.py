"""Interrupts that come before what they are meant for has begun.

A person submits, and then interrupts: a signal to the process would overtake the task, find the engine idle, and be
lost. So an engine that is known to have been sent something, and not known to run anything, gets no signal: the first
of its tasks is interrupted when it says that this one has started. What ends sooner needs no interrupt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.holding import first_of
from engineroom.core.task_states import State

if TYPE_CHECKING:  # the state holds engines
    from engineroom.core.state import ControllerState


def interrupt_first(state: ControllerState, engine_id: int) -> bool:
    """Have the first task of an engine interrupted when it begins; False: nothing waits there, or something runs."""
    engine = state.engines.get(engine_id)
    held = [] if engine is None else list(engine.held.values())
    if not held or any(task.state is State.STARTED for task in held):
        return False
    for task in first_of(held):
        task.interrupt = True
    return True
