"""A connection: messages and streams over any asyncio transport.

Everything sent in one tick of the loop leaves in one write; that is where the speed comes from.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from engineroom.errors import ProtocolError
from engineroom.protocol.closing import Closing, Why, why_of
from engineroom.protocol.messages import (
    Apart,
    Borrowed,
    Cancel,
    Credit,
    Goodbye,
    Message,
    Near,
    Ping,
    Pong,
    Refused,
    Stream,
)
from engineroom.protocol.records import (
    LARGE_CHUNK,
    MAX_RECORD,
    MAX_RECORD_BEFORE_TRUST,
    RecordReader,
    chunk_head,
    message_records,
)
from engineroom.protocol.streams import AssembledPayload, Buffer, IncomingStreams, OutgoingStreams, Payload
from engineroom.protocol.texts import brief
from engineroom.transport.backlog import Backlog
from engineroom.transport.decoders import INVALID, what_is_invalid
from engineroom.transport.inlet import Inlet
from engineroom.transport.news_of_streams import in_shared_memory, take_news
from engineroom.transport.reading import POSSIBLE, Reading
from engineroom.transport.receiver import Receiver
from engineroom.transport.secrecy import Secrecy, encrypted_buffer
from engineroom.transport.sockets import lead_nowhere, takes_large_chunks
from engineroom.transport.wire import Wire

if TYPE_CHECKING:
    from engineroom.transport.near import NearSide
    from engineroom.transport.sharing import Sharing
    from engineroom.transport.thrift import Thrift

log = logging.getLogger(__name__)

_LAST_WORDS_TIMEOUT = 2.0
"""Seconds that a far end which is sent away has to read why."""

_MANY = 256
"""Messages that are written without a look at how much waits already."""


class Connection(asyncio.BufferedProtocol):
    """One connection to a peer; all methods in its loop's thread only.

    `kind`: "unix", "tls" or "memory". `peer_pid`: process id of the peer, known over a Unix socket. `certificate`: that
    which the controller has shown (DER), over TLS.
    """

    def __init__(
        self,
        decode: Callable[[memoryview], list[Any]],
        *,
        kind: str,
        window: int,
        record_limit: int = MAX_RECORD,
        peer_pid: int | None = None,
        address: str = "",
        secrecy: Secrecy | None = None,
        on_made: Callable[[Connection], None] | None = None,
        on_secured: Callable[[], None] | None = None,
        says_why: bool = False,
    ) -> None:
        """`window`: bytes of streams that this side takes before it says more. `secrecy`: the TLS state, for
        kind "tls". `on_made(connection)` is called when the transport is there, `on_secured()` when TLS is.
        `says_why`: tell a far end that sent invalid data so, as the controller does."""
        self.kind, self.peer_pid, self.address = kind, peer_pid, address
        self.certificate = b""
        self.window = window
        self.closed = False
        self.heard = True
        self.decode = decode
        self._secrecy = secrecy
        self._encrypted: memoryview | None = None
        self._on_made, self._on_secured, self._says_why = on_made, on_secured, says_why
        self._receiver: Receiver | None = None
        self._backlog: list[Any] = []
        self._reader = RecordReader(self, record_limit)
        self._longest = MAX_RECORD_BEFORE_TRUST
        self._outbox: list[Message] = []
        self.backlog = Backlog()
        self.thrift: Thrift | None = None
        """Who gives back the memory that payloads have taken."""
        self.sharing: Sharing | None = None
        """What both sides have in shared memory; None: they can't have any."""
        self.near: NearSide | None = None
        """What engines of one machine have in shared memory that is not the controller's; None: nothing."""
        self.on_unsent: Callable[[Message, str], object] = _log_unsent
        """Told of each message that no record can carry, and why: the others are sent. Must not raise."""
        self._outgoing = OutgoingStreams(self._schedule_flush)
        self._incoming = IncomingStreams(window)
        self._flush_scheduled = False
        self._writable = True
        self._goodbye: str | None = None
        self._wire: Wire | None = None
        self.reading: Reading | None = None
        """What lets another thread read; None: only the loop does."""
        self.closing: Closing | None = None
        """Why it has ended; None while it has not, and nobody has broken it off."""

    def start(self, receiver: Receiver) -> None:
        """Hand everything, from the first message not consumed by the handshake on, to `receiver`."""
        self._receiver = receiver
        backlog, self._backlog = self._backlog, []
        if backlog:
            receiver.on_messages(backlog)
        if self.closed:
            assert self.closing is not None
            receiver.on_closed(self.closing)

    def read_by_turns(self) -> None:
        """Let other threads read as well, see `reading`, where the system has what that takes. Before `start`."""
        if self._wire is not None and POSSIBLE and not (self.closed or self._transport.is_closing()):
            self._transport.pause_reading()
            inlet = Inlet(self, self._reader, self._wire, (self._incoming, self._outgoing))
            self.reading = Reading(inlet, self._transport.get_extra_info("socket"), self._loop)

    def pause(self, rest: list[Any]) -> None:
        """Keep `rest` and all that follows for the receiver that `start` will name."""
        self._receiver = None
        self._backlog.extend(rest)

    def trust(self, decode: Callable[[memoryview], list[Any]], *, peer_window: int) -> None:
        """The handshake is over: take long records, decode them by `decode`, and send streams."""
        self.decode = decode
        self._reader.limit = self._longest = MAX_RECORD
        self._outgoing.credit(0, peer_window)
        if self.kind == "unix" and takes_large_chunks(self._transport.get_extra_info("socket")):
            self._outgoing.chunk = LARGE_CHUNK
        if self._wire is not None:
            self._wire.open()

    def send(self, message: Message) -> None:
        """Send `message` at the end of this tick; nothing happens once the connection is closed."""
        self._outbox.append(message)
        if not self._flush_scheduled:
            self._schedule_flush()

    def add(self, message: Message) -> None:
        """Send `message` at the next `flush`, for which the caller sees to."""
        self._outbox.append(message)

    def send_all(self, messages: Sequence[Message]) -> None:
        self._outbox.extend(messages)
        if not self._flush_scheduled:
            self._schedule_flush()

    def share(self, limit: int, others: set[Sharing] | None = None) -> None:
        """Have payloads in shared memory, where the far end's process is known; it may have `limit` bytes of us."""
        if limit > 0 and self.peer_pid is not None:
            from engineroom.transport.sharing import Sharing  # only on one machine

            self.sharing = Sharing(self.peer_pid, limit, self._outgoing, self._incoming, self._schedule_flush, others)

    def share_with_neighbours(self, side: Callable[[OutgoingStreams, IncomingStreams], NearSide]) -> None:
        """Have engines of one machine receive payloads for each other; `side`: makes this side's part in it."""
        self.near = side(self._outgoing, self._incoming)

    def open_stream(self, payload: Payload | Sequence[Buffer]) -> Apart:
        """Return a new stream for `payload`, to be named in a message sent in this same tick."""
        payload = payload if isinstance(payload, Payload) else Payload.of(payload)
        stream = Stream(self._outgoing.open(payload), payload.size)
        side = self.near or self.sharing
        return stream if side is None else side.lend(stream, payload)

    def left(self, stream: int) -> int:
        """Return how many bytes of a stream that was opened here have not been sent."""
        return self._outgoing.left(stream)

    @property
    def waiting(self) -> int:
        """Return how many bytes, or messages, wait to be written; streams apart."""
        return len(self._outbox) + self._transport.get_write_buffer_size()

    def receive(self, stream: Apart, *, assemble: bool = True, accept: bool = True) -> Payload:
        """Return the payload that `stream` brings; call it within `on_messages` only.

        `assemble`: in one writable buffer; else in pieces, to be passed on. `accept`: let the bytes come
        now; else nothing comes before `payload.accept()`. MemoryError, OSError: there is no such buffer to be had.
        """
        borrowed = in_shared_memory(stream, self.sharing, self.near, assemble=assemble)
        if borrowed is not None:
            if accept:
                borrowed.accept()
            return borrowed
        id_, size = stream.id, stream.size

        def want() -> None:
            self.send(Credit(id_, size))

        def refuse(reason: str) -> None:
            self.refuse_stream(stream, reason)

        make = AssembledPayload if assemble else Payload
        payload = make(size, accept=want, refuse=refuse)
        self._incoming.add(id_, payload)
        if accept:
            payload.accept()
        return payload

    def refuse_stream(self, stream: Apart, reason: str) -> None:
        """Tell the far end that nobody wants `stream`."""
        self._incoming.cancel(stream.id, reason)
        self.send(Cancel(stream.id, brief(reason), unwanted=True))

    def flush(self) -> None:
        """Write what is waiting now, rather than at the end of this tick."""
        self._flush_scheduled = False
        if self.closed:
            self._outbox.clear()
            return
        if self.sharing is not None and self.sharing.due:
            self._outbox += self.sharing.news()
        messages = self._outbox
        if not messages:
            self._write(())  # there may be what the kernel did not take of another thread's record
        elif self._writable and len(messages) <= _MANY:
            self._outbox = []
            self._write(message_records(messages, limit=self._longest, leave_out=self._unsent))
        else:
            self._write_some()
        outgoing = self._outgoing
        while outgoing.turns and self._writable and not self._outbox and (chunk := outgoing.next_chunk()) is not None:
            stream, data = chunk
            self._write([chunk_head(stream, sum(map(len, data))), *data])
        if outgoing.failed:
            self._say_failures()

    def _say_failures(self) -> None:
        for stream, reason in self._outgoing.failures():
            self._outbox.append(Cancel(stream, brief(reason)))
            if self.near is not None:
                self.near.unwanted(stream)
        self._write_some()

    def _write_some(self) -> None:
        """Write messages until too much waits for the kernel; the others wait as they are."""
        outbox, backlog, start = self._outbox, self.backlog, 0
        while start < len(outbox) and self._transport.get_write_buffer_size() <= backlog.high:
            messages = outbox[start : start + _MANY]
            start += len(messages)
            backlog.written(messages)
            self._write(message_records(messages, limit=self._longest, leave_out=self._unsent))
        del outbox[:start]
        if not outbox:
            backlog.empty()
        elif backlog.left(outbox):
            self.abort("it has not read what was sent to it")

    def _unsent(self, message: Message, why: str) -> None:
        self._loop.call_soon(self.on_unsent, message, why)  # whoever flushes may be in the middle of something

    def write_now(self, message: Message, claim: Callable[[], bool] | None = None) -> bool:
        """Write `message` from any thread, and return True; or return False when it must go by `send`.

        Only while nothing else is being sent. `claim()`: whether it is still to be written, asked when nothing is in
        the way any more; if not, nothing is written.
        """
        return not self._outbox and self._wire is not None and self._wire.write_now(message, claim)

    @property
    def broken(self) -> bool:
        """Whether a call was interrupted while it wrote, so that nothing more is written; it is about to be closed."""
        return self._wire is not None and self._wire.broken

    @property
    def writing_here(self) -> bool:
        """Whether the caller has interrupted its thread while that was in `write_now`."""
        return self._wire is not None and self._wire.held_here

    def leave_to_parent(self) -> None:
        """In a forked child: have no part in the connection."""
        if self._wire is not None:
            self._wire.leave_to_parent()
        if self.reading is not None:
            for descriptor in self.reading.descriptors():
                lead_nowhere(descriptor)

    def close(self, reason: str = "", *, half: bool = False) -> None:
        """Send what is waiting and a Goodbye, then close; the receiver's `on_closed` follows. `half`: read on until the
        far end closes: what is unread in a socket that is closed may take with it what the far end has not read."""
        if self.closed:
            return
        self._goodbye = self._goodbye if self._goodbye is not None else reason
        self._outbox.append(Goodbye(brief(reason)))
        self.backlog.high = sys.maxsize
        self.flush()
        if half and not self._transport.is_closing():
            self._transport.write_eof()
        else:
            self._transport.close()

    def refuse(self, reason: str) -> None:
        """Tell the far end in words that it is sent away, and be closed when this returns: its receiver knows."""
        if self.closed:
            return
        self._outbox.append(Refused(brief(reason)))
        self.flush()
        self.closing = Closing(Why.REFUSED, reason)
        self._goodbye = None
        self._transport.close()
        self._loop.call_later(_LAST_WORDS_TIMEOUT, self._transport.abort)
        self.connection_lost(None)

    def abort(self, reason: str, why: Why = Why.REFUSED) -> None:
        """Close at once, as after a fault."""
        self.closing = self.closing or Closing(why, reason)
        if not self.closed:
            self._transport.abort()

    def was_quiet(self) -> bool:
        """Return whether nothing has come since this was asked last."""
        quiet, self.heard = not self.heard, False
        return quiet

    @property
    def transport(self) -> asyncio.Transport:
        return self._transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        # The next chunk only when the kernel has taken the last (0 would mean: never, to asyncio's TLS).
        self._transport.set_write_buffer_limits(high=1)
        self._loop = asyncio.get_running_loop()
        if self.kind != "memory":
            self._wire = Wire(
                self._transport,
                self._secrecy,
                on_rest=lambda: self._loop.call_soon_threadsafe(self.flush),
                on_broken=lambda: self._loop.call_soon_threadsafe(self.abort, "a write was interrupted"),
            )
        if self._on_made is not None:
            self._on_made(self)
        if self._secrecy is not None:
            self._encrypted = encrypted_buffer()
            self.hear(memoryview(b""))  # the side that connects speaks first

    def get_buffer(self, sizehint: int) -> memoryview:
        del sizehint
        return self._encrypted or self._reader.buffer()

    def buffer_updated(self, nbytes: int) -> None:
        self.heard = True
        try:
            if self._encrypted is None:
                self._reader.updated(nbytes)
            else:
                self.hear(self._encrypted[:nbytes])
        except ProtocolError as error:
            self.invalid(error)

    def hear(self, data: memoryview) -> None:
        """Take what came over TLS."""
        assert self._wire is not None
        try:
            if not self._wire.hear(data):
                return
            if self._on_secured is not None:
                on_secured, self._on_secured = self._on_secured, None
                on_secured()
            self.read_decrypted(self._wire)
        except ssl.SSLError as error:
            self.abort(f"TLS: {error}")

    def read_decrypted(self, wire: Wire) -> None:
        """Read all of what is there, over TLS."""
        full = True
        while full and not self.closed:
            target = self._reader.buffer()
            count = wire.read(target)
            full = count == len(target)  # else there is no more
            if count:
                self._reader.updated(count)

    def invalid(self, error: ProtocolError) -> None:
        """End it: the other side does not speak our protocol."""
        words = f"the other side sent invalid data: {error}"
        if self._says_why and self._receiver is not None:
            self.refuse(words)
        else:
            self.abort(words)

    def on_record(self, body: memoryview) -> None:
        if self.closed:  # by what an earlier one said
            return
        try:
            messages = self.decode(body)
        except INVALID as error:
            raise ProtocolError(what_is_invalid(error, body)) from error
        self._dispatch(messages)

    def chunk_target(self, stream: int, size: int) -> memoryview:
        return self._incoming.target(stream, size)

    def on_chunk(self, stream: int, size: int) -> None:
        self._incoming.filled(stream, size)
        if due := self._incoming.credit_due():
            self.send(Credit(0, due))

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        if self._outbox and not self.closed:
            self._write_some()  # it is here that a backlog ends
        self._schedule_flush()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.closed:
            return
        self.closed = True
        if self._wire is not None:
            self._wire.close()
        if self.reading is not None:
            self.reading.close()
            self.reading = None
        closing = self.closing = self._closing_after(exc)
        for side in (self.sharing, self.near):
            if side is not None:
                side.close()
        self._outgoing.close()
        self._incoming.close(closing.words)
        self._outbox.clear()
        if self._receiver is not None:
            self._receiver.on_closed(closing)

    def _closing_after(self, error: Exception | None) -> Closing:
        """Return why it ended: a Goodbye says it; else whoever broke it off; else the error."""
        words = str(error) if error else "the connection was closed"
        if self._goodbye is not None:
            return Closing(Why.GOODBYE, self.closing.words if self.closing else self._goodbye or words)
        return self.closing or Closing(why_of(error), words)

    def _dispatch(self, messages: list[Any]) -> None:
        for message in messages:
            if type(message) in _OURS:
                messages = [message for message in messages if not self._consume(message)]
                break
        if not messages:
            return
        if self._receiver is None:
            self._backlog.extend(messages)
        else:
            self._receiver.on_messages(messages)

    def _consume(self, message: Message) -> bool:
        """Handle what concerns the connection alone; False for all else."""
        match message:
            case Credit() | Cancel() | Borrowed() | Near():
                take_news(message, self._outgoing, self._incoming, self.sharing, self.near)
            case Ping(number=number):
                self.send(Pong(number))
            case Goodbye(reason=reason):
                self._goodbye = reason
            case _:
                return type(message) is Pong
        return True

    def _schedule_flush(self) -> None:
        if not self._flush_scheduled and not self.closed:
            self._flush_scheduled = True
            self._loop.call_soon(self.flush)

    def _write(self, parts: Sequence[Buffer]) -> None:
        if self._wire is not None:
            self._wire.write(parts)
        elif parts:
            self._transport.write(b"".join(parts))


def _log_unsent(message: Message, why: str) -> None:
    log.error("a message was not sent", extra={"kind": type(message).__name__, "problem": why})


_OURS = frozenset({Credit, Cancel, Borrowed, Near, Ping, Pong, Goodbye})
