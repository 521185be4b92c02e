"""What a peer may not say, though each value in it is in range."""

from __future__ import annotations

from engineroom.core.sessions import Session
from engineroom.ids import INSTANCE_BYTES, number_of
from engineroom.protocol.messages import Submit
from engineroom.protocol.ranges import MOST, MOST_ENGINES

LAST_TASK = MOST - MOST_ENGINES
"""So that the last task on the last engine has a number, too."""


class NotAllowedError(Exception):
    """The words are for the peer, which is sent away. Raised before anything has changed."""


def not_allowed(session: Session, message: Submit) -> NotAllowedError:
    """Return what is wrong with a Submit of `session`."""
    if not message.task.startswith(session.id):
        return NotAllowedError("a client can submit tasks of its own session only")
    if number_of(message.task) > LAST_TASK:
        return NotAllowedError(f"there is no task {number_of(message.task)}: the last one is {LAST_TASK}")
    return NotAllowedError(f"{len(message.to or b'')} bytes name no engines: each has {INSTANCE_BYTES}")
