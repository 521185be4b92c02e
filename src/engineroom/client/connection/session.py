"""A client's session: submits calls, asks questions and waits, over the link to the controller."""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from typing import Any, Protocol

from msgspec.structs import replace

from engineroom.client.connection.io_thread import IOThread
from engineroom.client.connection.leading import Plain
from engineroom.client.connection.link import Dial, Link
from engineroom.client.connection.parting import LINGER, leave_behind, send_rest
from engineroom.client.connection.silence import Silence
from engineroom.client.connection.vigil import Subject, Unfinished, Vigil
from engineroom.client.state.engine_table import Engine
from engineroom.client.state.pythons import options_for
from engineroom.client.state.room import would_stop_a_loop
from engineroom.client.state.state import State
from engineroom.client.state.tasks import Listener, Request, Task
from engineroom.client.state.unwanted import not_wanted
from engineroom.client.state.watchers import Pieces
from engineroom.client.waiting.awaited import Awaited
from engineroom.client.waiting.waits import (
    FOR_EVER,
    PATIENCE,
    CallbackThread,
    LeftCondition,
    Looks,
    Waiter,
    every,
    in_slices,
    unheld,
)
from engineroom.errors import ConnectionFailed, EngineroomError
from engineroom.protocol.history import AskKept
from engineroom.protocol.messages import (
    DEFAULT_OPTIONS,
    Abort,
    Ask,
    Awaits,
    Call,
    Forget,
    Message,
    Options,
    Released,
    Stream,
)
from engineroom.protocol.questions import Question, Reply
from engineroom.protocol.streams import Buffer, Packed, Payload
from engineroom.protocol.task_ranges import ranges_of, task_pieces
from engineroom.serialize.functions.packing import PackedFunction
from engineroom.serialize.futures import noted
from engineroom.serialize.modules.own import own
from engineroom.serialize.modules.prelude import stands_on_nothing

_KEPT = 5.0
"""Seconds that a client that closes waits until its tasks are recorded."""

_ANSWER = 0.3
"""Seconds that the controller has to say why a wait was in vain."""

MAX_UNFINISHED_BYTES = 1024**3
"""Submitting waits while the payloads of unfinished tasks hold more than this."""


_shipped = own.shipped


_NOTHING = nullcontext()

_CLOSED = "the client was closed. Create a new Client(); its `get_result(msg_id)` finds tasks that had been submitted"


class Owner(Listener, Protocol):
    """The submitter of tasks: it learns its tasks before anything can happen to them."""

    def _attach(self, tasks: list[Task]) -> None: ...


class _AwayError(Exception):
    """The controller is away, or does not answer."""


class Session(State):
    """A State with a way to the controller: one client, over any number of connections, until `close`."""

    def __init__(
        self,
        dial: Dial,
        *,
        reconnect_timeout: float = 60.0,
        max_unfinished_bytes: int = MAX_UNFINISHED_BYTES,
        patience: float | None = PATIENCE,
        advise: Callable[[str], str] = str,
    ) -> None:
        """`dial`: the way to the controller. `reconnect_timeout`: seconds to try to reconnect. `max_unfinished_bytes`:
        submitting waits while unfinished tasks hold more. `patience`: seconds that a call may wait before it says what
        for, None: for ever. `advise`: makes the commands in a message act on this cluster.
        """
        super().__init__(self._wake, max_unfinished_bytes=max_unfinished_bytes, advise=advise)
        self._counted: PackedFunction | None = None
        self._process, self._forked = os.getpid(), False
        self._io = IOThread("engineroom-io")
        self.awaited = Awaited(self._io)
        self.patience = FOR_EVER if patience is None else patience
        self.silence = Silence(self.engines, self._io, lambda: self.tasks, self.patience, self._vigil)
        self._link = Link(self, self.silence, dial, reconnect_timeout=reconnect_timeout, call=self._io.call)

    def start(self, timeout: float) -> None:
        """Connect within `timeout` seconds; ConnectionFailed, NotLetIn or ConnectionFileError say why not."""
        self._io.start()
        _tell_of_forks(self)
        try:
            self._io.run(self._link.open(timeout))
        except BaseException:
            self._io.stop()
            raise

    def close(self, reason: str = _CLOSED, *, linger: float | None = None) -> None:
        """Send what was submitted, close the connection and end the threads; unfinished tasks fail with `reason`.

        `linger`: see `parting.send_rest`. In a forked child: nothing.
        """
        if self._forked or self._io.loop.is_closed():
            return
        if self._io.here or self._link.writing_here:  # a finalizer or a handler, which cannot wait for its own thread
            self.fail(ConnectionFailed(reason))
            self._io.spawn(self._close_in_background())
            return
        with unheld(self.condition):
            try:
                if not self.closed:
                    self.comms.leave()
                    if self.kept:
                        self.send(Forget())
                    send_rest(self._io, self._link, linger, self.patience)
                    self._wait_until_kept(linger)
            finally:
                self.fail(ConnectionFailed(reason))
                self._io.run(self._link.close())
                self._io.stop()
                self.callbacks.stop()

    def _wait_until_kept(self, linger: float | None) -> None:
        """Wait, not for long, until tasks that go on are recorded where that survives the controller, if anywhere."""
        if self.is_kept and self.tasks:
            limit = _KEPT if linger is None else min(linger, _KEPT)
            with suppress(EngineroomError, TimeoutError):  # it has been told elsewhere that there is trouble
                self.ask(AskKept(), "whether tasks are recorded", timeout=limit)

    async def _close_in_background(self) -> None:
        leave_behind(await self._link.all_sent(LINGER, None))
        await self._link.close()
        self.callbacks.stop(wait=False)
        self._io.stop()

    def forked(self) -> None:
        """Note that this process is a forked child, without the I/O thread and without the threads that hold locks."""
        self._forked = True
        self.failure = ConnectionFailed(
            f"this Client belongs to process {self._process}, and this process is a fork of it. Create a new "
            "Client() in this process"
        )
        self.lock = self.condition = LeftCondition(self._fail_here)
        self.pins.tell = lambda: None
        self.callbacks = CallbackThread(self.callbacks.name)
        self.awaited = Awaited(self._io)
        self.silence.leave()

    def _fail_here(self) -> None:
        """In a forked child: end the parent's waits, because nothing will arrive here."""
        assert self.failure is not None
        tasks = [*self.tasks.values(), *(task for pairs in self.others.tasks.values() for _, task in pairs)]
        owners = {id(task.listener): task.listener for task in tasks if task.listener is not None}
        for owner in owners.values():
            owner._left_behind()
        self.fail(self.failure)

    def submit(  # noqa: C901 (it is called for each task, and a call costs more than a branch)
        self,
        kind: int,
        body: Packed,
        owner: Owner,
        *,
        function: PackedFunction | None = None,
        to: tuple[Engine, ...] | None = None,
        options: Options = DEFAULT_OPTIONS,
        awaits: Awaits | None = None,
    ) -> list[Task]:
        """Ask for one call: balanced (`to` is None), or one task on each engine of `to`; return its tasks.

        Waits while too many bytes are under way already; raises instead where waiting would wait for itself.
        """
        if noted or (_shipped and not stands_on_nothing(body)):
            function = self._carrying(function, body)
        engines = self.engines
        options = options_for(function, body, to, options, engines.all) if engines.other_python else options
        if isinstance(body, bytes):
            size, segments = len(body), None
            call = Call(kind, b"" if function is None else function.hash, body)
        else:
            size, segments = sum(segment.nbytes for segment in body), body
            call = Call(kind, b"" if function is None else function.hash, Stream(0, size))
        held = size if function is None or not function.copied else size + self._copied_for(function)
        room = self.room
        if self.outgoing.submitted_bytes - room.released + held > room.most:
            self._wait_for_room(held)
        now = time.time()
        self.check()
        if to is None:
            request = Request(call, None, options, segments, size, function, held, 1)
            tasks = [Task(kind, request, owner, now, -1, -1)]
        elif len(to) == 1:
            engine = to[0]
            request = Request(call, engine.instance, options, segments, size, function, held, 1)
            tasks = [Task(kind, request, owner, now, engine.id, engine.id, 0, engine.instance)]
        else:
            instances = b"".join([engine.instance for engine in to])
            request = Request(call, instances, options, segments, size, function, held, len(to))
            tasks = [Task(kind, request, owner, now, engine.id, engine.id, 0, engine.instance) for engine in to]
        if noted or awaits is not None:
            self._wait_for_others(request, tasks, body, awaits)
        if self.scope is not None:
            self.scope.note(owner)
        try:
            owner._attach(tasks)
            if not self.outgoing.enter(request, tasks) or not self._link.write_now(request):
                self.outgoing.wake()
        except BaseException as error:
            self._interrupted(request, tasks, error, owner)
            raise
        if self.failure is not None:  # it failed between the check and the entry: no one else will fail these tasks
            self.fail(self.failure)
        return tasks

    def _carrying(self, function: PackedFunction | None, body: Packed) -> PackedFunction | None:
        """Return `function` so that it brings along the user's modules that the arguments of its call stand on."""
        if not noted:
            return self.packer.carrying(function, body)
        from engineroom.client.state.as_arguments import modules_of_futures  # only calls with futures need it

        return self.packer.carrying(function, body, modules_of_futures())

    def release_part(self, digest: bytes) -> None:
        """Let go of a published value everywhere. From any thread, even in a finalizer."""
        if not self.closed:
            self._link.forget_part(digest)
            self.published.pop(digest, None)
            self.send(Released(digest))

    def _interrupted(self, request: Request, tasks: list[Task], error: BaseException, owner: object) -> None:
        """A signal handler has raised `error` in `submit`: withdraw all of the call, which nobody has a handle of.

        Whoever has set `scope` has one, and decides after a Ctrl-C.
        """
        left = isinstance(error, KeyboardInterrupt) and self.scope is not None and self.scope.has_noted(owner)
        if self.outgoing.complete(request, tasks):
            if not (self.closed or left):
                self.abort(tasks, interrupt=True)
            return
        for task in tasks:
            task.fail(error)
            task.request = task.listener = None
            self.let_go(task.inputs)
            task.inputs = ()

    def _wait_for_others(self, request: Request, tasks: list[Task], body: Packed, awaits: Awaits | None) -> None:
        """Have `tasks` wait for the results that their payload names, and for what `awaits` says."""
        from engineroom.client.state.as_arguments import numbers_needed  # only calls with futures need it

        needed = numbers_needed(self, body, request.function, len(tasks))
        if needed:
            spans = tuple((self.id, first, last) for first, last in ranges_of(needed))
            awaits = Awaits(inputs=spans) if awaits is None else replace(awaits, inputs=spans)
        request.awaits = awaits
        for task in tasks:
            task.inputs, task.awaits = needed, awaits

    def send(self, *messages: Message | Request) -> None:
        """Send `messages`, after all that was submitted before."""
        if not messages:
            return
        self.check()
        self.outgoing.send(messages)

    def _wake(self) -> None:
        self._io.call(self._link.drain)

    def call_soon(self, act: Callable[[], object]) -> None:
        """Call `act()` in the I/O thread soon. Safe anywhere, even in a `__del__`."""
        self._io.call(act)

    def abort(self, tasks: Sequence[Task], *, interrupt: bool = False, force: bool = False) -> None:
        """Cancel those of `tasks` that have not started; with `interrupt`, interrupt the others; with `force`, restart
        the engines of those that go on."""
        unfinished = [task for task in tasks if task.outcome is None and task.request is not None]
        not_wanted(unfinished, interrupt=interrupt, force=force)
        numbers = [task.number for task in unfinished]
        self.send(*(Abort(piece, interrupt, force) for piece in task_pieces(self.id, numbers)))

    def ask(self, question: Question, what: str, *, timeout: float | None = 60.0) -> Reply:
        """Return the controller's answer; `what` names the question. EngineroomError: there is none, and why."""
        reply = self.request(lambda number: Ask(number, question), what, timeout=timeout)
        if reply is None:
            raise EngineroomError(f"the controller has no answer to {what}")
        return reply

    def ask_for_bytes(
        self, question: Question, what: str, *, timeout: float | None = 60.0
    ) -> tuple[Reply | None, Buffer]:
        """Return the controller's answer and what came with it; see `ask`."""
        reply, body = self._request(lambda number: Ask(number, question), what, timeout)
        if isinstance(body, bytes):
            return reply, body
        if body.error is not None:
            raise EngineroomError(f"the answer is too large: {body.error}")
        return reply, body.buffer()

    def request(self, make: Callable[[int], Message], what: str, *, timeout: float | None = 60.0) -> Reply | None:
        """Send the message that `make` returns for the number of a new question, and return the answer, as `ask`."""
        return self._request(make, what, timeout)[0]

    def tell(self, make: Callable[[int], Message | Request]) -> None:
        """Send the message that `make` returns for the number of a new question; EngineroomError: it is refused.

        Nobody waits for a controller that is away: a refusal comes later, to `KeptCalls.refused`.
        """
        self.check_may_wait()
        number, waiter = self.questions.new()
        try:
            self.send(make(number))
            if not self.silence.is_away:
                with suppress(_AwayError):
                    self.wait_for(waiter, None, every(_ANSWER, self._look_whether_away))
        finally:
            with self.condition:  # from here on, whatever comes is told there
                answer = self.questions.answer(number)
                self.questions.forget(number)
        if answer is not None and answer.error:
            raise EngineroomError(answer.error)
        self.check()

    def _look_whether_away(self) -> None:
        if self.silence.is_away:
            raise _AwayError

    def _request(
        self, make: Callable[[int], Message], what: str, timeout: float | None
    ) -> tuple[Reply | None, bytes | Payload]:
        self.check_may_wait()
        number, waiter = self.questions.new()
        try:
            self.send(self.questions.asks(number, make(number), what))
            if not self.wait_for(waiter, timeout, every(self.patience, self.silence.look_at_the_way)):
                raise TimeoutError(f"the controller did not answer {what} within {timeout:g} s")
            answer, body = self.questions.answer(number), self.questions.body(number)
        finally:
            self.questions.forget(number)
        if answer is None:
            self.check()
            raise ConnectionFailed("the session ended before the controller answered")
        if answer.error:
            raise EngineroomError(answer.error)
        return answer.reply, body

    def awaiting(self) -> AbstractContextManager[object]:
        """Return a context in which a coroutine waits for results."""
        return _NOTHING

    def check_may_wait(self) -> None:
        """Raise if the wait could never end, because no other thread would receive the result."""
        if self._forked:
            self.check()
        if self._io.here:
            raise RuntimeError(
                "cannot wait for results in the client's I/O thread, because that thread receives them; wait in "
                "another thread"
            )
        if self._link.writing_here:
            raise RuntimeError(
                "cannot wait for results here: this signal handler or finalizer has interrupted its thread while that "
                "was sending a call, and nothing else can be sent until it returns. Wait later, or in another thread"
            )
        self._link.leading.leave_here()
        if self.outgoing.stuck:
            self.outgoing.wake_surely()

    def _vigil(self, subject: Subject | None) -> Vigil:
        """Return a vigil over `subject`, None: over all tasks."""
        return Vigil(self.id, self.questions, self._ask, subject or Unfinished(self.tasks), self._link.unsent)

    def _ask(self, message: Message) -> None:
        """Have a question sent, whoever asks it; nothing if the session has ended."""
        if not self.closed:
            self.outgoing.send([message])

    def why_unfinished(self, subject: Subject) -> str:
        """Return what the tasks of `subject` do, or wait for; waits a moment for the controller's answer."""
        vigil = self._vigil(subject)
        try:
            vigil.ask()
            if vigil.answered is not None:
                self.wait_for(vigil.answered, _ANSWER, every(_ANSWER, self.check))
            return vigil.in_words
        finally:
            vigil.end()

    def wait_for(self, waiter: Waiter, timeout: float | None, looks: Looks, of: Plain | None = None) -> bool:
        """Return whether `waiter` was woken in time; meanwhile, `looks` go on.

        If the caller has interrupted code that holds the condition, that is let go of: the I/O thread needs it.
        `of`: what alone it waits for, if that may be read here.
        """
        condition: Any = self.condition
        wait = waiter.wait if of is None else partial(self._link.leading.wait, of, waiter)
        if not condition._is_owned():
            return in_slices(wait, timeout, looks)
        with unheld(condition):
            return in_slices(waiter.wait, timeout, looks)

    def wait_until(self, condition: Callable[[], object], timeout: float | None, *, looks: Looks | None = None) -> bool:
        """Return whether `condition()` came true in time, or the session failed; asked at each change.

        `looks` go on meanwhile; by default, they say what calls wait for.
        """
        self.check_may_wait()
        looks = looks or self.silence.looks()
        return in_slices(partial(self.wait_for_change, condition), timeout, looks)

    def watch(self, tasks: Iterable[Task]) -> Pieces:
        """Return a context in which what `tasks` write comes to this thread, piece by piece."""
        return Pieces(self, tasks)

    def _copied_for(self, function: PackedFunction) -> int:
        """Return how much memory a function's parts take that were copied for it: counted with its first call only."""
        if function is self._counted:
            return 0
        self._counted = function
        return function.copied

    def _wait_for_room(self, size: int) -> None:
        room = self.room
        if room.has(size):
            return
        full = f"unfinished tasks hold more than max_unfinished_bytes ({room.most:,} bytes)"
        if self.callbacks.here or self._io.here:
            raise BufferError(
                f"{full}, and a callback cannot wait for them: submit from another thread, or submit less at a time"
            )
        if would_stop_a_loop():
            raise BufferError(
                f"{full}, and waiting here would stop the event loop: `await rc.room()` first, or await earlier results"
            )
        self.wait_until(
            lambda: room.has(size), None, looks=every(self.patience, lambda: self.silence.look_for_room(full))
        )

    async def wait_for_room(self, size: int) -> None:
        """Return once `size` bytes can be submitted without a wait. The error that ended the session, if it has."""
        self.check()
        await self.room.wait(size, lambda: self.closed)
        self.check()


def _tell_of_forks(session: Session) -> None:
    reference = weakref.ref(session)

    def forked() -> None:
        session = reference()
        if session is not None:
            session.forked()

    # Not to be undone; what stays of a closed session is this small function.
    os.register_at_fork(after_in_child=forked)
