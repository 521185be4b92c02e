"""Tasks whose payload did not arrive: their client is asked for them again, and they are the same tasks as before.

Whose connection breaks while a payload is on its way has submitted the task: it is not run, and it has not ended. Its
number stays known as one that may be submitted once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from engineroom.core.edges import HasEnded
from engineroom.core.forgetting import forget
from engineroom.core.sessions import Session
from engineroom.core.tasks import Task
from engineroom.core.whole_calls import nobody_waits
from engineroom.protocol.messages import Outcome, SubmitAgain
from engineroom.protocol.task_ranges import task_pieces

if TYPE_CHECKING:  # the state holds sessions
    from engineroom.core.state import ControllerState

UNSENT = Outcome(-1, 0.0, 0.0, "its payload did not arrive")
"""How a task leaves that is to be submitted again. It is no status, for nobody may say so of a task but the core."""

UNSENT_BYTES = 128
"""What is kept of such a task, counted with those that its client has submitted."""


def unsend(state: ControllerState, tasks: Sequence[Task]) -> None:
    """Forget `tasks`, which no engine holds, and ask their clients for them again."""
    asked: dict[Session, list[int]] = {}
    for task in tasks:
        forget(state, task)
        session, number = task.session, task.number
        if number > session.delivered_up_to:  # else its client has said already that it does not wait for it
            session.unsent[number] = task.attempt
            session.submitted_bytes += UNSENT_BYTES
            asked.setdefault(session, []).append(number)
        else:
            _forgotten(state, session, number)
    for session, numbers in asked.items():
        ask_again(state, session, numbers)


def _forgotten(state: ControllerState, session: Session, number: int) -> None:
    """A task is here no more, and its client does not wait for it."""
    if number in session.awaited:
        state.news.append(HasEnded(session, number, None))
    if session.calls:
        nobody_waits(state, session, number)


def ask_again(state: ControllerState, session: Session, numbers: Iterable[int]) -> None:
    """Ask the client of `session`, if it is there, to submit these tasks once more."""
    if session.peer is not None:
        for tasks in task_pieces(session.id, numbers):
            state.send(session.peer, SubmitAgain(tasks))


def take_unsent(session: Session, number: int) -> int | None:
    """Return how often this task was tried, and expect it no more; None: nobody has asked for it again."""
    tries = session.unsent.pop(number, None)
    if tries is not None:
        session.submitted_bytes -= UNSENT_BYTES
    return tries
