"""What a peer may not say, though each value in it is in range."""

from __future__ import annotations

from engineroom.core.sessions import Session
from engineroom.ids import INSTANCE_BYTES, number_of
from engineroom.protocol.messages import Keep, Submit
from engineroom.protocol.ranges import MOST, MOST_ENGINES

MOST_KEPT = MOST_ENGINES
"""So many calls may be kept by one client; as tasks they have the numbers beyond all others."""

LAST_TASK = MOST - MOST_ENGINES - MOST_KEPT
"""So that the last task on the last engine has a number, too."""

FIRST_KEPT = MOST - MOST_KEPT
"""Kept calls are numbered on from here."""


class NotAllowedError(Exception):
    """The words are for the peer, which is sent away. Raised before anything has changed."""


def not_allowed(session: Session, message: Submit | Keep) -> NotAllowedError:
    """Return what is wrong with a Submit or a Keep of `session`."""
    if isinstance(message, Keep):
        return _not_kept(message)
    if not message.task.startswith(session.id):
        return NotAllowedError("a client can submit tasks of its own session only")
    if number_of(message.task) > LAST_TASK:
        return NotAllowedError(f"there is no task {number_of(message.task)}: the last one is {LAST_TASK}")
    return NotAllowedError(f"{len(message.to or b'')} bytes name no engines: each has {INSTANCE_BYTES}")


def _not_kept(message: Keep) -> NotAllowedError:
    if message.kept > MOST_KEPT:
        return NotAllowedError(f"there is no kept call {message.kept}: the last one is {MOST_KEPT}")
    return NotAllowedError(f"{len(message.has)} bytes name no engines: each has {INSTANCE_BYTES}")
