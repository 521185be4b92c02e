"""The I/O thread: what the controller says goes to the queue, what the main thread has goes to the controller."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from engineroom.engine.attempts import Attempt, Ended
from engineroom.engine.budget import Budget
from engineroom.engine.descriptors import Descriptors
from engineroom.engine.functions_coming import FunctionsComing
from engineroom.engine.held import held_pieces
from engineroom.engine.idling import Idling
from engineroom.engine.inputs import Inputs
from engineroom.engine.interrupts import Interrupts
from engineroom.engine.outbox import Announcement, Item, MissingHere, Outbox, Refusal, Said, Waiting
from engineroom.engine.queue import TaskQueue
from engineroom.engine.resident import MemoryLimit, resident_bytes
from engineroom.engine.results import KeptResults
from engineroom.engine.verdicts import TimeLimits
from engineroom.protocol.closing import Closing
from engineroom.protocol.messages import (
    AlreadyStarted,
    Apart,
    Delivered,
    Display,
    Finished,
    ForgetInputs,
    Full,
    Function,
    Held,
    Input,
    Interrupt,
    ListNames,
    NamesListed,
    Output,
    Refused,
    Released,
    Revoke,
    Revoked,
    Run,
    RunsWithin,
    Shutdown,
    Started,
    Unmet,
    Waits,
    Withdraw,
    Withdrawn,
)
from engineroom.protocol.streams import Payload
from engineroom.protocol.task_ranges import attempt_pieces, attempts_in
from engineroom.protocol.texts import brief
from engineroom.serialize.functions.table import FunctionTable
from engineroom.transport import bodies
from engineroom.transport.connection import Connection
from engineroom.transport.thrift import Thrift

log = logging.getLogger(__name__)

_SOON, _LATER, _OUTPUT = 0.002, 0.01, 0.05
"""Seconds between two looks at the main thread: after news, to see whether a task is a long one, while one runs."""

_ANNOUNCED_WITHIN = 0.25

_LINK = "link"
_BEHIND = 8 << 20
"""Bytes of messages that may wait for the controller while tasks are started."""


class Shell:
    """Between the connection and the main thread; all methods in the I/O thread only.

    It looks at the main thread while that is busy, and has no timer while it is idle.
    """

    def __init__(
        self,
        queue: TaskQueue,
        outbox: Outbox,
        functions: FunctionTable,
        interrupts: Interrupts,
        descriptors: Descriptors,
        budget: Budget,
        *,
        inputs: Inputs | None = None,
        idling: Idling | None = None,
        memory_limit: int = 0,
        give_up: Callable[[Attempt, MemoryError], object] = lambda attempt, error: None,
        on_lost: Callable[[str], None],
        on_end: Callable[[str], None],
    ) -> None:
        """`on_lost(reason)`: the connection is gone; `on_end(reason)`: the controller wants the engine to end.

        `memory_limit`: in bytes, 0 for none. `give_up(attempt, error)`: end what runs, and this process.
        """
        self._queue, self._outbox = queue, outbox
        self._functions = FunctionsComing(functions, self._have_functions)
        self._interrupts, self._descriptors = interrupts, descriptors
        self._limits = TimeLimits(interrupts)
        self._memory = MemoryLimit(memory_limit, interrupts, give_up) if memory_limit else None
        self._on_lost, self._on_end = on_lost, on_end
        self._budget, self._said_full = budget, False
        self._results = KeptResults(budget)
        self._inputs = inputs or Inputs(queue)
        self._idling = idling
        self._loop: asyncio.AbstractEventLoop | None = None
        self._taken_here = False
        """Whether the main thread has taken tasks itself since the last look at it: there is another one then."""
        self._late: list[Attempt] = []
        """Attempts that have just come and whose arguments are to be looked for."""
        self._thrift = Thrift(lambda: budget.kept)
        self._connection: Connection | None = None
        self._announcements: list[Announcement] = []
        self._look: asyncio.TimerHandle | None = None
        self._seen: Attempt | None = None

    def connected(self, connection: Connection) -> None:
        """Use `connection` from now on; say what is held here, and again what may not have arrived before."""
        connection.backlog.bound(_BEHIND, cut_at=0, on_behind=self._behind)
        connection.thrift = self._thrift
        connection.send_all(self._held())
        self._connection, self._outbox.write_now = connection, connection.write_now
        running = self._queue.running
        if running is not None and running.output is not None:
            connection.send_all(running.output.said)
        connection.send_all([Waits(*attempt.key) for attempt in self._queue.waiting])
        for result in self._results.unacknowledged():
            if result.output is not None:
                connection.send_all(result.output.said)
            self._send_result(result, connection)
        self._functions.connected(connection)
        self._said_full = False
        connection.start(self)
        self.take()
        if self._idling is not None and not connection.closed:
            self._loop = asyncio.get_running_loop()
            connection.read_by_turns()
            self._idling.read(connection.reading, self.take_here)

    def _held(self) -> list[Held]:
        """Return what the controller must know when it meets us, in pieces."""
        running, queued = self._queue.held()
        self.take()  # after that look: what had ended by then is in here
        results = self._results.unacknowledged()
        return held_pieces(
            [key for key in running if key not in self._results],
            [key for key in queued if key not in self._results],
            [(kept.message.task, kept.message.attempt) for kept in results],
        )

    def on_messages(self, messages: list[Any]) -> None:
        runs: list[Attempt] = []
        for message in messages:
            if type(message) is Run:
                body = message.call.body
                if isinstance(body, bytes):
                    attempt = Attempt(message, (message.task, message.attempt))
                else:
                    attempt = self._receive(message, body)
                runs.append(attempt)
                if message.inputs:
                    self._inputs.expect(attempt)
                    self._late.append(attempt)
                continue
            if runs:
                self._add(runs)
                runs = []
            self._handle(message)
        if runs:
            self._add(runs)

    def take_here(self, messages: list[Any]) -> bool:
        """Take tasks in the main thread, which waits for them; False: the I/O thread has to take these messages."""
        attempts = []
        for message in messages:
            if type(message) is not Run or message.inputs or type(message.call.body) is not bytes:
                return False
            attempts.append(Attempt(message, (message.task, message.attempt)))
        self._queue.add(attempts)
        self._taken_here = True
        if self._look is None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._look_again, _SOON)
        return True

    def on_closed(self, closing: Closing) -> None:
        self._connection = self._outbox.write_now = None
        if self._idling is not None:
            self._idling.read(None)
        self._queue.hold(held=False, why=_LINK)
        self._functions.cut()
        self._inputs.cut()
        self._look_again(_SOON)
        self._on_lost(closing.words)

    def _behind(self, behind: bool) -> None:  # noqa: FBT001 (what it is told is all that it is about)
        """Start nothing while the controller takes results more slowly than they are made: it may want no more."""
        self._queue.hold(behind, _LINK)

    def close(self, reason: str) -> None:
        """Say what is waiting, and Goodbye."""
        self.take()
        connection, self._connection, self._outbox.write_now = self._connection, None, None
        self._functions.cut()
        if connection is not None:
            connection.close(reason)

    def let_go(self) -> None:
        """In a forked child: have no part in the connection, whose descriptor stays taken."""
        if self._connection is not None:
            self._connection.leave_to_parent()

    def fail_now(self, message: Finished) -> bool:
        """Say that what runs has failed, and nothing later; return whether that has left this process."""
        connection = self._connection
        if connection is None:
            return True
        connection.send(message)
        connection.flush()
        return connection.closed or not connection.transport.get_write_buffer_size()

    def take(self) -> None:
        """Take what the main thread has, and look again soon if it goes on."""
        news = self._outbox.take()
        for item in news:
            self._take_item(item)
        connection = self._connection
        if self._announcements and connection is not None:
            self._announce(connection)
        if self._said_full != self._budget.full and connection is not None:
            self._said_full = self._budget.full
            connection.send(Full(self._budget.kept if self._said_full else 0, self._budget.limit))
        if not self._queue.busy:
            if not self._taken_here:
                self._look_no_more()
        elif news or self._look is None:
            self._postpone(_SOON)

    def _take_item(self, item: Item) -> None:
        if type(item) is Ended:
            self._keep_and_send(item)
        elif type(item) is Said:
            self._results.add(item.result)
        elif type(item) is Announcement:
            self._announcements.append(item)
        elif type(item) is MissingHere:
            self._functions.lack(item.attempt, item.hash)
        elif type(item) is Waiting and self._connection is not None:  # else it is said when there is one
            self._connection.send(Waits(*item.attempt.key, item.waits))
        elif type(item) is Refusal:
            self._refuse(item)

    def _refuse(self, refusal: Refusal) -> None:
        """Say that a task had better run elsewhere; unless we are cut off: then it is sent again."""
        attempt = refusal.attempt
        if attempt.output is not None:
            self._say(attempt.output.take(attempt.key, end=True))
        if self._connection is not None:
            self._connection.send(Unmet(*attempt.key, brief(refusal.words)))

    def _handle(self, message: object) -> None:
        match message:
            case Delivered():
                self.take()  # so that every end is known
                self._results.acknowledge(message)
            case Function() | Released():
                self._functions.take(message)
            case Revoke() | Withdraw() | RunsWithin():
                self._about_queued(message)
            case Interrupt(task=task, attempt=number):
                self._interrupts.request((task, number))
            case Shutdown(reason=reason):
                self._on_end(reason)
            case Refused(reason=reason):
                self._on_end(f"the controller closed this engine's connection: {reason}")
            case Input() | ForgetInputs():
                self._hear_of_inputs(message)
            case _:
                self._list_names(message)

    def _list_names(self, message: object) -> None:
        if not isinstance(message, ListNames):
            log.warning("ignoring a message of unknown kind", extra={"kind": type(message).__name__})
            return
        from engineroom.engine.names_here import names_that_begin  # for those who type cells

        if self._connection is not None:
            self._connection.send(NamesListed(message.number, names_that_begin(message.text), resident_bytes()))

    def _about_queued(self, message: Revoke | Withdraw | RunsWithin) -> None:
        match message:
            case Revoke():
                self._revoke(message)
            case Withdraw():
                self._withdraw(message)
            case RunsWithin():
                self._queue.runs_within((message.task, message.attempt), message.within)

    def _add(self, runs: list[Attempt]) -> None:
        self._queue.add(runs)
        if self._late:
            late, self._late = self._late, []
            self.take()  # so that every end is known
            for attempt in late:
                self._inputs.look(attempt, self._results.of_task)
        self._look_again(_SOON)

    def _receive(self, run: Run, body: Apart) -> Attempt:
        """Return an attempt whose payload arrives from now on."""
        assert self._connection is not None

        def whole(_: Payload) -> None:
            if attempt.inputs is None:
                self._queue.make_ready(attempt)
            else:
                self._inputs.part_here(attempt)
            self._look_again(_SOON)

        def broken(_: str) -> None:
            self._queue.revoke(attempt.key)  # whoever stopped sending it knows
            self._look_again(_SOON)

        attempt = Attempt.of(run, bodies.receive(self._connection, body, whole=whole, broken=broken))
        return attempt

    def _hear_of_inputs(self, message: Input | ForgetInputs) -> None:
        """Have the result of another task here, for attempts that take it as an argument, or forget some."""
        if isinstance(message, ForgetInputs):
            for task in message.tasks.tasks():
                self._inputs.forget(task)
            return
        task, body = message.task, message.body
        if isinstance(body, bytes):
            self._inputs.come(task, body)
        else:
            assert self._connection is not None
            payload = bodies.receive(self._connection, body, whole=lambda payload: self._input_here(task, payload))
            self._inputs.come(task, payload)
        self._look_again(_SOON)

    def _input_here(self, task: bytes, payload: Payload) -> None:
        self._inputs.come(task, payload)
        self._look_again(_SOON)

    def _have_functions(self, attempts: Sequence[Attempt]) -> None:
        """What these lacked is here."""
        for attempt in attempts:
            self._queue.make_ready(attempt)
        self._look_again(_SOON)

    def _revoke(self, message: Revoke) -> None:
        assert self._connection is not None
        self.take()  # so that every end is known
        key = (message.task, message.attempt)
        answer = Revoked if key not in self._results and self._queue.revoke(key) else AlreadyStarted
        self._connection.send(answer(*key))
        self._look_again(_SOON)

    def _withdraw(self, message: Withdraw) -> None:
        """Forget what has not started, and say of what that is true."""
        assert self._connection is not None
        self.take()  # so that every end is known
        gone, started = self._queue.revoke_all(key for key in attempts_in(message.attempts) if key not in self._results)
        self._connection.send_all([Withdrawn(piece) for piece in attempt_pieces(gone)])
        self._connection.send_all([AlreadyStarted(*key) for key in started])
        self._look_again(_SOON)

    def _keep_and_send(self, result: Ended) -> None:
        self._results.add(result)
        message = result.message
        if result.output is not None:
            self._say(result.output.take((message.task, message.attempt), end=True))
        if self._connection is not None:
            self._send_result(result, self._connection)

    def _send_result(self, result: Ended, connection: Connection) -> None:
        if result.body is None:
            connection.send(result.message)
        else:
            bodies.send(connection, result.message, result.body)

    def _say(self, output: list[Output | Display]) -> None:
        if self._connection is not None:
            self._connection.send_all(output)

    def _announce(self, connection: Connection) -> None:
        """Write Started now, and let the main thread go on when it has left this process."""
        waiting, self._announcements = self._announcements, []
        for announcement in waiting:
            announcement.attempt.announced = True
            connection.send(Started(*announcement.attempt.key))
        connection.flush()
        deadline = asyncio.get_running_loop().time() + _ANNOUNCED_WITHIN
        self._release(waiting, connection, deadline)

    def _release(self, waiting: list[Announcement], connection: Connection, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        if not connection.closed and connection.transport.get_write_buffer_size() and loop.time() < deadline:
            loop.call_later(_SOON, self._release, waiting, connection, deadline)
            return
        for announcement in waiting:
            announcement.said()

    def _look_again(self, delay: float) -> None:
        if self._look is None:
            self._look = asyncio.get_running_loop().call_later(delay, self._look_at_main_thread)

    def _look_at_main_thread(self) -> None:
        """Say that a task has started if it takes a while, and what it wrote."""
        self._look = None
        running = self._queue.running
        if running is None or running is not self._seen:
            self._seen = running
            taken, self._taken_here = self._taken_here, False
            self.take()
            if running is not None:
                self._postpone_while(running, _LATER)
            elif taken:
                self._look_again(_LATER)
            return
        self._descriptors.read(running)
        self._interrupts.request_again()
        self.take()
        if running is not self._queue.running:
            return
        if not running.announced and self._connection is not None:
            running.announced = True
            self._connection.send(Started(*running.key))
        if running.output is not None:
            self._say(running.output.take(running.key))
        self._postpone_while(running, _OUTPUT)

    def _postpone_while(self, running: Attempt, delay: float) -> None:
        """Look again after `delay`, or sooner if what runs is to end sooner."""
        if self._memory is not None:
            self._memory.look(running)
        self._postpone(delay if running.run.terms is None else min(delay, self._limits.look(running)))

    def _postpone(self, delay: float) -> None:
        """Look again after `delay`, whatever was planned."""
        if self._look is not None:
            self._look.cancel()
        self._look = asyncio.get_running_loop().call_later(delay, self._look_at_main_thread)

    def _look_no_more(self) -> None:
        self._seen = None
        if self._look is not None:
            self._look.cancel()
            self._look = None
