"""The core's state of a kept call, and of what an engine has still to run of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from engineroom.core.not_allowed import FIRST_KEPT
from engineroom.ids import INSTANCE_BYTES, Instance, TaskId, task_id
from engineroom.protocol.messages import Keep

if TYPE_CHECKING:  # these know kept calls
    from engineroom.core.engines import Engine
    from engineroom.core.sessions import Session
    from engineroom.core.tasks import MeasuredFunction

CALL_BYTES = 1024
"""What a kept call takes beside its payload."""


class KeptCall:
    """One call that its client has kept.

    `id`: as engines know it, beyond all ids of the client's tasks. `body`: of a payload that comes as a stream;
    `whole`: all of it is here. `ended`: by the instances of living engines on which it has run, or is run by its
    client: "" or the error. `named`: its client has named it over the connection that it has now.
    """

    __slots__ = ("body", "ended", "engines", "function", "id", "keep", "named", "session", "size", "whole")

    def __init__(self, session: Session, keep: Keep, function: MeasuredFunction, body: object) -> None:
        self.session, self.keep, self.function, self.body = session, keep, function, body
        self.id = task_id(session.id, FIRST_KEPT + keep.kept)
        self.engines = None if keep.engines is None else frozenset(keep.engines)
        self.whole, self.named = body is None, True
        self.size = size_of(keep)
        self.ended: dict[Instance, str] = {}

    def is_for(self, engine: Engine) -> bool:
        """Whether it has to run on `engine` before that takes anything else."""
        return (self.engines is None or engine.id in self.engines) and engine.instance not in self.ended


class Step:
    """A kept call that an engine has to run. `attempt`: the last one; `sent`: it may be on the engine; `error`: what it
    raised there."""

    __slots__ = ("attempt", "call", "error", "sent")

    def __init__(self, call: KeptCall) -> None:
        self.call = call
        self.attempt, self.sent, self.error = 0, False, ""


Steps = dict[TaskId, Step]
"""What an engine has to run before it takes balanced tasks, and what failed there; in order."""


def size_of(keep: Keep) -> int:
    """Return the bytes that a kept call takes, apart from its function."""
    body = keep.call.body
    return CALL_BYTES + (len(body) if isinstance(body, bytes) else body.size)


def instances_in(joined: bytes) -> Iterable[Instance]:
    """Yield the instances that stand one after the other."""
    for start in range(0, len(joined), INSTANCE_BYTES):
        yield Instance(joined[start : start + INSTANCE_BYTES])
