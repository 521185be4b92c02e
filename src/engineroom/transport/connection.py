"""A connection: messages and streams over any asyncio transport.

Everything sent in one tick of the loop leaves in one write; that is where the speed comes from.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

import msgspec

from engineroom.errors import ProtocolError
from engineroom.protocol.messages import Cancel, Credit, Goodbye, Message, Ping, Pong
from engineroom.protocol.records import LARGE_CHUNK, MAX_RECORD, RecordReader, chunk_head, message_records
from engineroom.protocol.streams import AssembledPayload, Buffer, IncomingStreams, OutgoingStreams, Payload
from engineroom.transport.shortcut import Shortcut, connect_to_nothing
from engineroom.transport.sockets import takes_large_chunks

_SMALL = 4096
"""Bytes that are sooner copied than handed to the kernel apart."""


class Receiver(Protocol):
    """Who is told what a connection brings, in its loop's thread."""

    def on_messages(self, messages: list[Any]) -> None:
        """Take messages, in order. For one with a stream, call `connection.receive` before you return."""

    def on_closed(self, reason: str, *, clean: bool) -> None:
        """The connection is gone; `clean`: the far end had said Goodbye, or we closed it."""


class Connection(asyncio.BufferedProtocol):
    """One connection to a peer; all methods in its loop's thread only.

    `kind`: "unix", "tls" or "memory". `peer_pid`: process id of the peer, known over a Unix socket.
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
        on_made: Callable[[Connection], None] | None = None,
    ) -> None:
        """`window`: bytes of streams that this side takes before it says more; `on_made(connection)` is
        called when the transport is there."""
        self.kind, self.peer_pid, self.address = kind, peer_pid, address
        self.window = window
        self.closed = False
        self._decode = decode
        self._on_made = on_made
        self._receiver: Receiver | None = None
        self._backlog: list[Any] = []
        self._reader = RecordReader(self, record_limit)
        self._outbox: list[Message] = []
        self._outgoing = OutgoingStreams(self._schedule_flush)
        self._incoming = IncomingStreams(window)
        self._flush_scheduled = False
        self._writable = True
        self._goodbye: str | None = None
        self._shortcut: Shortcut | None = None
        self._end_reason = ""
        self.received_bytes = 0
        self.last_heard = 0.0

    def start(self, receiver: Receiver) -> None:
        """Hand everything, from the first message not consumed by the handshake on, to `receiver`."""
        self._receiver = receiver
        backlog, self._backlog = self._backlog, []
        if backlog:
            receiver.on_messages(backlog)
        if self.closed:
            receiver.on_closed(self._end_reason, clean=self._goodbye is not None)

    def pause(self, rest: list[Any]) -> None:
        """Keep `rest` and all that follows for the receiver that `start` will name."""
        self._receiver = None
        self._backlog.extend(rest)

    def trust(self, decode: Callable[[memoryview], list[Any]], *, peer_window: int) -> None:
        """The handshake is over: take long records, decode them by `decode`, and send streams."""
        self._decode = decode
        self._reader.limit = MAX_RECORD
        self._outgoing.credit(0, peer_window)
        if self.kind == "unix":
            if takes_large_chunks(self._transport.get_extra_info("socket")):
                self._outgoing.chunk = LARGE_CHUNK
            self._shortcut = Shortcut(
                self._transport.get_extra_info("socket").fileno(),
                loop_has_more=self._has_more,
                on_rest=lambda: self._loop.call_soon_threadsafe(self.flush),
            )

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

    def open_stream(self, payload: Payload | Sequence[Buffer]) -> int:
        """Return the id of a new stream for `payload`, to be named in a message sent in this same tick."""
        return self._outgoing.open(payload if isinstance(payload, Payload) else Payload.of(payload))

    def receive(self, stream: int, size: int, *, assemble: bool = True, accept: bool = True) -> Payload:
        """Return the payload that `stream` brings; call it within `on_messages` only.

        `assemble`: in one writable buffer; else in pieces, to be passed on. `accept`: let the bytes come
        now; else nothing comes before `payload.accept()`.
        """

        def want() -> None:
            self.send(Credit(stream, size))

        payload = AssembledPayload(size, accept=want) if assemble else Payload(size, accept=want)
        self._incoming.add(stream, payload)
        if accept:
            payload.accept()
        return payload

    def refuse_stream(self, stream: int, reason: str) -> None:
        """Tell the far end that nobody wants `stream`."""
        self._incoming.cancel(stream, reason)
        self.send(Cancel(stream, reason))

    def cancel_stream(self, stream: int, reason: str) -> None:
        """Stop sending `stream`, and tell the far end why."""
        self._outgoing.cancel(stream)
        self.send(Cancel(stream, reason))

    def flush(self) -> None:
        """Write what is waiting now, rather than at the end of this tick."""
        self._flush_scheduled = False
        if self.closed:
            self._outbox.clear()
            return
        parts: list[Buffer] = []
        if self._outbox:
            messages, self._outbox = self._outbox, []
            parts.extend(message_records(messages))
        self._write(parts)
        while self._writable and (chunk := self._outgoing.next_chunk()) is not None:
            stream, data = chunk
            self._write([chunk_head(stream, len(data)), data])
        if failed := self._outgoing.failures():
            self._write(list(message_records([Cancel(stream, reason) for stream, reason in failed])))

    def write_now(self, message: Message) -> bool:
        """Write `message` from any thread, and return True; or return False when it must go by `send`.

        Only over a Unix socket, while nothing else is being sent.
        """
        return self._shortcut is not None and self._shortcut.write(message)

    def leave_to_parent(self) -> None:
        """In a forked child: have no part in the connection."""
        connect_to_nothing(self._transport.get_extra_info("socket").fileno())
        if self._shortcut is not None:
            self._shortcut.leave_to_parent()

    def close(self, reason: str = "") -> None:
        """Send what is waiting and a Goodbye, then close; the receiver's `on_closed` follows."""
        if self.closed:
            return
        self._goodbye = self._goodbye if self._goodbye is not None else reason
        self._outbox.append(Goodbye(reason))
        self.flush()
        self._transport.close()

    def abort(self, reason: str) -> None:
        """Close at once, as after a fault."""
        self._end_reason = self._end_reason or reason
        if not self.closed:
            self._transport.abort()

    @property
    def transport(self) -> asyncio.Transport:
        return self._transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        # The next chunk only when the kernel has taken the last (0 would mean: never, to asyncio's TLS).
        self._transport.set_write_buffer_limits(high=1)
        self._loop = asyncio.get_running_loop()
        self.last_heard = self._loop.time()
        if self._on_made is not None:
            self._on_made(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        del sizehint
        return self._reader.buffer()

    def buffer_updated(self, nbytes: int) -> None:
        self.received_bytes += nbytes
        self.last_heard = self._loop.time()
        try:
            self._reader.updated(nbytes)
        except (ProtocolError, msgspec.MsgspecError) as error:
            self.abort(f"the far end said something that makes no sense: {error}")

    def on_record(self, body: memoryview) -> None:
        self._dispatch(self._decode(body))

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
        self._schedule_flush()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.closed:
            return
        self.closed = True
        if self._shortcut is not None:
            self._shortcut.close()
        self._end_reason = self._end_reason or self._goodbye or (str(exc) if exc else "the connection was closed")
        self._outgoing.close()
        self._incoming.close(self._end_reason)
        self._outbox.clear()
        if self._receiver is not None:
            self._receiver.on_closed(self._end_reason, clean=self._goodbye is not None)

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
            case Credit(stream=stream, size=size):
                self._outgoing.credit(stream, size)
            case Cancel(stream=stream, reason=reason):
                if not self._incoming.cancel(stream, reason):
                    self._outgoing.cancel(stream)
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

    def _has_more(self) -> bool:
        return bool(self._outbox) or self._transport.get_write_buffer_size() > 0

    def _write(self, parts: list[Buffer]) -> None:
        """Write `parts`, as they are where the kernel takes them at once."""
        shortcut = self._shortcut
        if shortcut is None:
            if parts:
                self._transport.write(b"".join(parts))
            return
        with shortcut.lock:
            if shortcut.rest:
                parts = [shortcut.rest, *parts]
                shortcut.rest = b""
            if not parts:
                return
            if len(parts[-1]) < _SMALL:
                parts = [b"".join(parts)]
            written = 0 if self._transport.get_write_buffer_size() else shortcut.write_parts(parts)
            if written < sum(map(len, parts)):
                self._transport.write(memoryview(b"".join(parts))[written:])


_OURS = frozenset({Credit, Cancel, Ping, Pong, Goodbye})
