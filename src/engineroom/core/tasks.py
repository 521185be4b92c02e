"""The core's state of a task, its result, and the function that it calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from engineroom.core.task_states import HasState
from engineroom.ids import INSTANCE_BYTES, Peer, TaskId
from engineroom.protocol.messages import Outcome, Result, Submit

if TYPE_CHECKING:  # these know tasks, and tasks know them
    from engineroom.core.blame import Death
    from engineroom.core.edges import Prerequisites, Use
    from engineroom.core.engines import Engine
    from engineroom.core.journal import Try
    from engineroom.core.lines import Arrival, Line
    from engineroom.core.placement import Pool
    from engineroom.core.sessions import Session


TASK_BYTES = 1024
"""What an unfinished task takes beside its payload."""


class MeasuredFunction:
    """The measured run time of a function; shared by all tasks that call it.

    `cost`: seconds of engine time that one call is expected to take, all told.
    """

    __slots__ = ("away", "cost", "hash", "measured", "owner", "senders", "size", "users", "waiting")

    def __init__(self, hash_: bytes, guess: float) -> None:
        self.hash = hash_
        self.away = False
        """Its bytes are not in the controller, as far as that is known..."""
        self.senders: dict[Peer, bool] = {}
        """... and these send them (True), or have been asked to."""
        self.waiting: dict[TaskId, Task] = {}
        """The tasks that wait for them."""
        self.cost = guess
        self.measured = False
        self.users = 0
        self.size = 0
        """Bytes of it and its parts, as far as they have come."""
        self.owner: Session | bool = False
        """The only session that has named it, False: none has, True: several have."""

    def learn(self, seconds: float, overhead: float) -> None:
        """A call took `seconds`: move the estimate, a quarter of the way once there is one."""
        if self.measured:
            self.cost += (seconds + overhead - self.cost) * 0.25
        elif self.hash:
            self.cost = seconds + overhead
            self.measured = True


class Task(HasState, gc=False, eq=False):
    """One call, until it has ended.

    Not tracked by the garbage collector: the code that ends a task removes it from its engine and session.
    """

    id: TaskId
    number: int
    session: Session
    submit: Submit
    body: object
    function: MeasuredFunction
    large: int = 0
    """Bytes of its payload, where that comes as a stream."""
    target: int = -1
    """Direct: the engine id it is bound to; -1 for balanced tasks."""
    pool: Pool | None = None
    """Balanced: the engines that may run it, and the others that wait for them."""
    attempt: int = 0
    engine: Engine | None = None
    cost: float = 0.0
    """Seconds added to the engine's load for it."""
    errors: int = 0
    losses: int = 0
    """Engines that died while they ran it."""
    deaths: int = 0
    """Engines that died while they held it, running or not."""
    suspicions: int = 0
    """Engines that died while it was the first in their queue, not known to have started."""
    failed_on: tuple[int, ...] = ()
    died: tuple[Death, ...] = ()
    """The engines that died while they ran it, or may have run it."""
    withdrawn: Outcome | None = None
    """How it ends if it turns out not to have started; then it is not tried again either."""
    interrupt: bool = False
    lacks: int = 0
    """How many things are not there that it needs: its function, its arguments."""
    line: Line | None = None
    """Where its bytes count, or where it waits behind others."""
    arrival: Arrival | None = None
    """Its arguments, as long as they are on their way."""
    waits: Prerequisites | None = None
    """The other tasks on which it depends, None: on none."""
    submitted: float = 0.0
    """When it came, if that is recorded..."""
    tries: tuple[Try, ...] = ()
    """... and the attempts after which it went on."""

    @property
    def size(self) -> int:
        """Bytes that it takes here, apart from those that come as a stream. (A field would take more.)"""
        submit = self.submit
        body, to = submit.call.body, submit.to
        if type(body) is not bytes:
            return TASK_BYTES
        return TASK_BYTES + (len(body) if to is None else len(body) * INSTANCE_BYTES // len(to))


class Kept(msgspec.Struct, gc=False, eq=False):
    """A result, until its client has it; or one for many tasks that ended alike, whose `result` then names no task.

    `number`: what its engine calls it; 0 if it came from no engine. `use`: None unless it is an argument of others.
    """

    result: Result
    body: object
    engine: Engine | None
    number: int
    size: int
    finished: float
    use: Use | None = None
    record: int = 0
    """The number of its record, if engines wait until that is committed; see `journal`."""
