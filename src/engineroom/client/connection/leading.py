"""The thread that waits for a lone call reads the connection itself, so that its result wakes one thread and not two.

Only the simplest end of a task is understood here: a result that is all there, of a call whose end nobody else waits
for. It is entered in a run of bytecodes that calls nothing, because signal handlers interrupt a thread at any call, and
may raise, or wait themselves. Whatever is interrupted before that run the I/O thread does in our place, as it does
everything else; what is left after it, it does as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from engineroom.client.state.future_states import CANCELLED, FINISHED
from engineroom.client.waiting.waits import Waiter
from engineroom.ids import number_in
from engineroom.protocol.messages import Result
from engineroom.transport.bell import Bell
from engineroom.transport.reading import Reading, Turn, new_poll

if TYPE_CHECKING:
    from engineroom.client.state.room import Room
    from engineroom.client.state.state import State
    from engineroom.client.state.tasks import Task
    from engineroom.ids import Instance

_LOCKED = [True]

_LONGEST = 3600.0
"""Seconds that one look at what has come lasts."""


class Plain(Protocol):
    """A future of which nothing but these fields changes when a task of it ends well."""

    _state: str
    _left: int
    """How many tasks have not ended."""
    _watchers: list[Callable[[], object]] | None
    _waiting: list[Any] | None
    _callbacks: list[Callable[[Any], object]] | None


class End(NamedTuple):
    """How a task has ended. `rest`: does what is left to be done."""

    task: Task
    message: Result
    body: bytes
    now: float
    instance: Instance | None
    rest: Callable[[], object]


def enter(
    end: End,
    of: Plain,
    looks: list[Callable[[], object]],
    turn: Turn,
    room: Room,
    tasks: dict[int, Task],
) -> bool:
    """Enter the end of one of the tasks of `of`, for which nobody waits but who has `looks`; or return False.

    It calls nothing: either all of it happens or nothing. The session's condition is held.
    """
    task, message, body, now, instance, rest = end
    request, state = task.request, of._state
    owner: object = task.listener
    if turn.left or owner is not of or state is FINISHED or state is CANCELLED or request is None:
        return False
    if of._watchers != looks or of._waiting or of._callbacks or task.inputs or task.output is not None:
        return False
    del tasks[task.number]
    task.outcome, task.payload, task.received, task.engine = message.outcome, body, now, message.engine
    if task.target < 0:
        task.instance = instance
    task.request = task.listener = None
    request.open -= 1
    if request.open == 0:
        room.released += request.held
    of._left -= 1
    if of._left == 0:
        of._state, of._watchers = FINISHED, None
    turn.taken, turn.rest = True, rest
    return True


class Leading:
    """Waits for calls of one session, over one connection after the other."""

    def __init__(self, state: State, rest: Callable[[int, Result, float], object]) -> None:
        """`rest(number, message, now)`: does what is left to be done once a task has ended, in any thread."""
        self._state, self._rest = state, rest
        self._reading: Reading | None = None
        self._bell: Bell | None = None

    def read(self, reading: Reading | None) -> None:
        """Read this from now on; None: nothing. In the I/O thread."""
        self._reading = reading
        if self._bell is not None:
            self._bell.ring()
        elif reading is not None:
            self._bell = Bell()

    def leave_here(self) -> None:
        """Let the I/O thread read if this thread is about to wait in a handler that has interrupted its wait."""
        if self._reading is not None:
            self._reading.leave_here()

    def wait(self, of: Plain, waiter: Waiter, seconds: float) -> bool:
        """Return whether `waiter`, which waits for the end of `of`, was woken within `seconds`."""
        reading, bell = self._reading, self._bell
        if reading is None or bell is None or len(self._state.tasks) != of._left:
            return waiter.wait(seconds)
        until = time.monotonic() + seconds
        while self._one_turn(reading, bell, of, waiter, until):
            if of._left == 0 or waiter.wait(0):
                return True
        return waiter.wait(until - time.monotonic())

    def _one_turn(self, reading: Reading, bell: Bell, of: Plain, waiter: Waiter, until: float) -> bool:
        """Wait, and take one result; False: the I/O thread reads, or it is later than `until`."""
        turn = Turn()
        try:
            if not reading.begin(turn):
                return False
            waiter.bell = bell.ring
            if self._listen(reading, bell, of, waiter, until, turn):
                reading.end(turn)
            return turn.taken
        finally:
            waiter.bell = None
            # Nothing is called before the loop knows: a second handler may raise wherever something is.
            if turn.locked == _LOCKED and not turn.over and not turn.left:
                turn.left = True
                reading.ring()

    def _listen(self, reading: Reading, bell: Bell, of: Plain, waiter: Waiter, until: float, turn: Turn) -> bool:
        """Wait, and take what comes; whether all is taken: else the I/O thread ends the turn."""
        if waiter.woken:
            return True
        poll = new_poll(bell.number, reading.descriptor)
        if reading.closed:
            return True
        ready = poll.poll(1000.0 * min(_LONGEST, max(0.0, until - time.monotonic())))
        waiter.bell = None  # what this thread does from here on, it knows
        if turn.left:
            return False
        if not ready:
            return True
        if ready[0][0] != reading.descriptor:
            bell.hush()
            return True
        messages = reading.receive(turn)
        if messages is None:
            return not turn.counts and turn.error is None and not turn.left
        return self._take(messages, turn, of)

    def _take(self, messages: list[Any], turn: Turn, of: Plain) -> bool:
        """Take the end of a task of `of`; False: that is for the I/O thread."""
        message = messages[0]
        if len(messages) > 1 or type(message) is not Result or not isinstance(body := message.body, bytes):
            return False
        state, now = self._state, time.time()
        number = number_in(state.id, message.task)
        task = state.tasks.get(number)
        if task is None or message.outcome.status or message.engine < 0:
            return False
        with state.lock:
            rest = partial(self._rest, number, message, now)
            end = End(task, message, body, now, state.engines.instance(message.engine), rest)
            looks = of._watchers[:1] if of._watchers else []
            if not enter(end, of, looks, turn, state.room, state.tasks):
                return False
            rest()
            turn.rest = None
            if looks and of._left:  # else this thread knows
                looks[0]()
        return True
