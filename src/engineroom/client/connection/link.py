"""The connection to the controller; reconnects when it breaks."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from engineroom.client.connection.inbox import Inbox
from engineroom.client.connection.leading import Leading
from engineroom.client.connection.said_anew import said_anew
from engineroom.client.connection.unsent import Streams, Unsent
from engineroom.client.state.made_again import calls_again
from engineroom.client.state.tasks import Request
from engineroom.errors import ConnectionFailed, ConnectionFileError, ControllerLost, NotLetIn
from engineroom.ids import INSTANCE_BYTES, NOBODY, number_of
from engineroom.machine.processes import host_name
from engineroom.machine.whoami import program_name, user_name
from engineroom.protocol.messages import (
    INLINE_LIMIT,
    Answer,
    Ask,
    Attach,
    Ended,
    Function,
    Join,
    Keep,
    Message,
    Outcome,
    Signal,
    Status,
    Submit,
    Sync,
    Welcome,
    Who,
)
from engineroom.protocol.ranges import WORD
from engineroom.protocol.task_ranges import TaskRanges
from engineroom.protocol.texts import brief
from engineroom.serialize.frames import lay_out
from engineroom.serialize.functions.large_parts import Part
from engineroom.serialize.functions.packing import PackedFunction
from engineroom.transport import bodies
from engineroom.transport.connection import Connection
from engineroom.transport.dial import attempts
from engineroom.transport.pulse import Pulse
from engineroom.transport.thrift import Thrift

if TYPE_CHECKING:
    from engineroom.client.connection.silence import Silence
    from engineroom.client.state.state import State

log = logging.getLogger(__name__)


class Dial(Protocol):
    """A way to a controller."""

    async def __call__(self, join: Join, seconds: float) -> tuple[Connection, Welcome]:
        """Return a connection, not yet started, within `seconds`; ConnectionFailed, ConnectionFileError, NotLetIn."""

    async def wait(self, seconds: float) -> None:
        """Return once there is something to dial; ConnectionFileError if not within `seconds`."""

    def over(self) -> str:
        """Return in words why there is no controller any more, nor will be; "": that is not certain."""
        ...

    def close(self) -> None:
        """Release what it keeps between connections: its share in a tunnel."""


ACKNOWLEDGE_AFTER = 0.02
"""Seconds that a result waits, at most, for others to be acknowledged together."""

_LEAST = 0.2
"""Seconds that a try to connect has even if the time is over."""

GOODBYE_TIMEOUT = 2.0
"""Seconds that a far end which no longer reads may hold up `close`."""

_FUNCTIONS_REMEMBERED = 10_000

_LOOK = 0.01
"""Seconds between two looks at what is not sent."""


class Link:
    """Dials, sends what is to be sent, and dials again when the connection is lost.

    All of it runs in the I/O thread, except `write_now`, which sends a lone call from the thread that makes it, and
    `writing_here`.
    """

    def __init__(
        self,
        state: State,
        silence: Silence,
        dial: Dial,
        *,
        reconnect_timeout: float,
        call: Callable[[Callable[[], object]], object],
    ) -> None:
        """`call`: has something called in the I/O thread."""
        self._state, self._silence = state, silence
        self._dial, self._reconnect_timeout = dial, reconnect_timeout
        self._connection: Connection | None = None
        self._inbox = Inbox(state, self)
        self.leading = Leading(state, self._inbox.rest_of_end)
        self._thrift = Thrift(lambda: 0, reuse=True)
        self._epoch = b""
        self._sent_functions: set[bytes] = set()
        self._streams = Streams()
        self._acknowledging: asyncio.TimerHandle | None = None
        self._redialling: asyncio.Task[None] | None = None
        self._synced: asyncio.Future[None] | None = None
        self._asked_to_acknowledge = False
        self._call = call
        self._closing = False
        self._closed = asyncio.Event()

    @property
    def connection(self) -> Connection:
        assert self._connection is not None
        return self._connection

    async def open(self, seconds: float) -> None:
        """Connect for the first time, and wait for the list of engines, all within `seconds` (0: one try)."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        await self._dial.wait(seconds)
        try:
            await self._connect(deadline)
            await self._receive_engines(max(_LEAST if seconds else 1.0, deadline - loop.time()))
        except BaseException:
            self._closing = True
            if self._connection is not None:
                self._connection.abort("this client has given up")
            self._dial.close()
            raise

    async def _receive_engines(self, seconds: float) -> None:
        assert self._synced is not None
        try:
            async with asyncio.timeout(seconds):
                await self._synced
        except TimeoutError:
            raise ConnectionFailed(
                "the controller let this client in, but did not send the list of engines within "
                f"{round(seconds, 1):g} s"
            ) from None

    async def all_sent(self, patience: float, limit: float | None) -> Unsent:
        """Return what is not sent: once that is nothing, or stands still for `patience`, or after `limit` seconds."""
        loop = asyncio.get_running_loop()
        start = since = loop.time()
        self.drain()
        left = self._streams.unsent(self._connection, self._state)
        while left.tasks and loop.time() < since + patience and (limit is None or loop.time() < start + limit):
            await asyncio.sleep(_LOOK)
            before, left = left, self._streams.unsent(self._connection, self._state)
            if left != before:
                since = loop.time()
        return left

    def unsent(self, numbers: Iterable[int]) -> int:
        """Return how many bytes of the requests with these numbers are still to be sent as streams. From any thread."""
        connection = self._connection
        return 0 if connection is None else self._streams.left(connection, numbers)

    async def close(self) -> None:
        """Send what is waiting, acknowledge results, and close the connection."""
        self._closing = True
        self._silence.disconnected("")
        if self._redialling is not None:
            self._redialling.cancel()
        if self._connection is not None and not self._connection.closed:
            self.drain()
            self._begin_stays(0)
            self._acknowledge()
            connection = self._connection
            connection.close("the client was closed", half=True)
            try:
                async with asyncio.timeout(GOODBYE_TIMEOUT):
                    await self._closed.wait()
            except TimeoutError:
                connection.transport.close()
        self._thrift.close()
        self._dial.close()

    def drain(self) -> None:
        """Send what user threads have added; while there is no connection it stays where it is."""
        connection = self._connection
        if connection is not None:
            items = self._state.outgoing.take()
            if connection.broken:  # what is written now would be lost: it waits for the next connection
                self._state.outgoing.put_back(items)
                return
            self._send_all(connection, items)
            connection.flush()  # at once: a tick of the loop is a tenth of a lone call's round trip

    def write_now(self, request: Request) -> bool:
        """Send a lone call from the caller's thread, unless another has taken it; False if that can't be done now."""
        connection, function = self._connection, request.function
        if connection is None or request.segments is not None:
            return False
        if function is not None and function.hash not in self._sent_functions:
            return False
        state = self._state
        return connection.write_now(request.submit(state.id), lambda: state.outgoing.claim(request))

    @property
    def writing_here(self) -> bool:
        """Whether the caller has interrupted its thread while that was in `write_now`."""
        return self._connection is not None and self._connection.writing_here

    def send_function(self, digest: bytes) -> None:
        """The controller lacks a function: send it (again), if a task of ours still needs it."""
        for function in self._state.functions().values():
            if self._connection is None:
                return
            if function.hash == digest:
                self._sent_functions.difference_update(part.hash for part in function.parts)
                self._send_function(self._connection, function)
                return
            for part in function.parts:
                if part.hash == digest:
                    self._send_part(self._connection, part)
                    return
        self._sent_functions.discard(digest)  # the next call that needs it sends it

    def acknowledge_soon(self) -> None:
        """Acknowledge soon what has arrived."""
        if self._inbox.acknowledgements.full:
            self._acknowledge()
        elif self._acknowledging is None:
            self._acknowledging = asyncio.get_running_loop().call_later(ACKNOWLEDGE_AFTER, self._acknowledge)

    def acknowledge_later(self) -> None:
        """Acknowledge soon what has arrived; from any thread."""
        if self._acknowledging is None and not self._asked_to_acknowledge:
            self._asked_to_acknowledge = True
            self._call(self._acknowledge_as_asked)

    def _acknowledge_as_asked(self) -> None:
        self._asked_to_acknowledge = False
        self.acknowledge_soon()

    def synchronized(self) -> None:
        """The controller has announced all its engines."""
        if self._synced is not None and not self._synced.done():
            self._synced.set_result(None)

    def refused(self, reason: str) -> None:
        """The controller has closed this connection for good."""
        self._closing = True
        self._state.fail(self._lost_for_good(f"the controller has ended: {reason}"))
        if self._connection is not None:
            self._connection.close()

    def lost(self, reason: str, *, clean: bool) -> None:
        """The connection is gone."""
        self._connection = None
        self.leading.read(None)
        self._closed.set()
        if self._acknowledging is not None:
            self._acknowledging.cancel()
            self._acknowledging = None
        if self._closing:
            return
        if clean:
            self._state.fail(self._lost_for_good(f"the controller has ended: {reason or 'it was stopped'}"))
            return
        log.info("lost the connection to the controller: %s", reason)
        self._silence.disconnected(
            f"lost the connection to the controller ({reason}): calls wait while the client reconnects, for at most "
            f"{self._reconnect_timeout:g} s"
        )
        self._redialling = asyncio.get_running_loop().create_task(self._redial(reason))

    async def _redial(self, reason: str) -> None:
        loop = asyncio.get_running_loop()
        try:
            await self._connect(loop.time() + self._reconnect_timeout)
        except (NotLetIn, ControllerLost) as error:
            self._state.fail(error)
        except (ConnectionFailed, ConnectionFileError) as error:
            self._state.fail(
                ControllerLost(
                    f"lost the controller ({reason}) and could not reconnect within {self._reconnect_timeout:g} s: "
                    f"{error}"
                )
            )

    def _lost_for_good(self, words: str) -> ControllerLost:
        return ControllerLost(
            self._state.engines.advise(
                f"{words.rstrip('.')}. Start a cluster with `ipcluster start`, then create a new Client()"
            )
        )

    async def _connect(self, deadline: float) -> None:
        last: Exception | None = None
        loop = asyncio.get_running_loop()
        async for _ in attempts(deadline):
            left = deadline - loop.time()
            if last is not None and left < _LEAST:
                break  # it would only find that there is no time
            try:
                join = Join(
                    proof=b"",
                    identity=self._state.id,
                    secret=self._state.secret,
                    epoch=self._epoch,
                    wall=time.time(),
                    withdraw=self._state.withdraw_at_end,
                    who=_who_this_is(),
                )
                connection, welcome = await self._dial(join, max(left, _LEAST))
            except (ConnectionFailed, ConnectionFileError) as error:
                if isinstance(error, ConnectionFailed) and error.final:
                    raise
                if self._epoch and (over := self._dial.over()):
                    raise self._lost_for_good(over) from error
                last = error
            else:
                self._connected(connection, welcome)
                return
        raise last or ConnectionFailed("no time left to connect")

    def _connected(self, connection: Connection, welcome: Welcome) -> None:
        same = welcome.epoch == self._epoch
        self._connection, self._epoch = connection, welcome.epoch
        self._state.is_kept = welcome.keeps
        self._begin_stays(welcome.stays)
        self._silence.connected(Pulse(connection, welcome.heartbeat, wanted=self._state.somebody_waits))
        self._closed.clear()
        self._sent_functions.clear()
        self._streams.clear()
        self._synced = asyncio.get_running_loop().create_future()
        self._state.engines.begin_refresh()
        connection.on_unsent = self._unsent
        connection.thrift = self._thrift
        connection.read_by_turns()
        connection.start(self._inbox)
        if not connection.closed:
            self.leading.read(connection.reading)
        for function in self._state.functions().values():
            if (
                function.parts or len(function.body) > INLINE_LIMIT
            ):  # the last connection may have broken while it was on the way
                self._send_function(connection, function)
        waiting = self._state.outgoing.take_all(welcome.known_up_to)  # first: what is let go of after this is said then
        self._send_all(connection, self._state.kept.again())
        for request in waiting.requests:
            self._submit(connection, request, self._unfinished(request))
        with self._state.condition:
            self._send_all(connection, calls_again(self._state, welcome.known_up_to))
        self._send_all(connection, said_anew(self._state, waiting.messages, same=same, protocol=welcome.protocol))
        connection.send(Sync(self._state.failures.ranges(), whole=True))

    def _begin_stays(self, most: int) -> None:
        """Let so many bytes of results stay there. What an earlier controller kept, or this one, may be gone."""
        with self._state.condition:
            self._state.pins.end_stays(most)
        if self._inbox.acknowledgements:
            self.acknowledge_soon()

    def _unsent(self, message: Message, why: str) -> None:
        """End what a message asked for that no record can carry."""
        words = f"{type(message).__name__} cannot be sent: {why}"
        if isinstance(message, Submit):
            first = number_of(message.task)
            count = 1 if message.to is None else len(message.to) // INSTANCE_BYTES
            tasks = TaskRanges(self._state.id, ((first, first + count - 1),))
            self._inbox.on_messages([Ended(tasks, Outcome(Status.LOST, 0.0, 0.0, words))])
        elif isinstance(message, Ask | Signal | Keep | Attach):
            self._state.foreign.answered(Answer(message.number, error=words), b"")
            answer = Answer(message.number, error=words)
            if not self._state.questions.answered(answer):
                self._state.kept.refused(answer)
        else:
            log.error("a message was not sent", extra={"kind": type(message).__name__, "problem": why})

    def _send_all(self, connection: Connection, items: Sequence[Request | Message]) -> None:
        for item in items:
            if isinstance(item, Request):
                self._submit(connection, item)
            else:
                if isinstance(item, Ask):
                    self._acknowledge()  # so that the answer counts what has been received
                connection.send(item)

    def _unfinished(self, request: Request) -> bytes | None:
        """Return on which engines `request` is to run that is sent once more: those where it has not ended."""
        to = request.to
        if to is None or len(to) == request.open * INSTANCE_BYTES:
            return to
        tasks, first = self._state.tasks, request.number
        instances = [to[at : at + INSTANCE_BYTES] for at in range(0, len(to), INSTANCE_BYTES)]
        return b"".join([its if first + place in tasks else NOBODY for place, its in enumerate(instances)])

    def _submit(self, connection: Connection, request: Request, to: bytes | None = None) -> None:
        """Send `request`; `to`: in place of the engines that it names."""
        function = request.function
        if function is not None and function.hash not in self._sent_functions:
            self._send_function(connection, function)
        message = request.submit(self._state.id)
        if to is not None:
            message = msgspec.structs.replace(message, to=to)
        if request.segments is None:
            connection.send(message)
        else:
            self._streams.note(connection, request.number, bodies.send(connection, message, request.segments))

    def _send_function(self, connection: Connection, function: PackedFunction) -> None:
        if len(self._sent_functions) >= _FUNCTIONS_REMEMBERED:
            self._sent_functions.clear()
        for part in function.parts:
            if part.hash not in self._sent_functions:
                self._send_part(connection, part)
        self._sent_functions.add(function.hash)
        parts = tuple(part.hash for part in function.parts)
        body = lay_out(function.body, (), copy=True)
        message = Function(function.hash, parts=parts, name=function.name[:WORD])
        self._streams.note(connection, function.hash, bodies.send(connection, message, body))

    def _send_part(self, connection: Connection, part: Part) -> None:
        self._sent_functions.add(part.hash)
        if part.stays:
            self._state.published[part.hash] = None
        self._streams.note(
            connection,
            part.hash,
            bodies.send(connection, Function(part.hash, parts=None, stays=part.stays), part.segments()),
        )

    def forget_part(self, digest: bytes) -> None:
        """The controller is about to let go of a part: the next call that needs it sends it. From any thread."""
        self._sent_functions.discard(digest)

    def _acknowledge(self) -> None:
        if self._acknowledging is not None:
            self._acknowledging.cancel()
            self._acknowledging = None
        if self._connection is not None and self._inbox.acknowledgements:
            with self._state.condition:
                messages = self._inbox.acknowledgements.take()
            self._connection.send_all(messages)


def _who_this_is() -> Who:
    user, host, program = (brief(name, WORD) for name in (user_name(), host_name(), program_name()))
    return Who(user, host, os.getpid(), program)
