"""Streams: payloads too long for a message, cut into chunks and sent as their receiver gives credit.

Two limits hold at once. A stream's own credit is its receiver's word that it wants the bytes: none at first,
usually all of them at once when there is a place for them. The connection's window keeps what is under way
within the receiver's kernel buffer, so that the receiver may stop reading for minutes (a C extension that
keeps the interpreter lock) and the network still sees a live peer.
"""

from __future__ import annotations

import mmap
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, NamedTuple

from engineroom.errors import ProtocolError
from engineroom.machine.large_blocks import private
from engineroom.machine.pieces import POOL
from engineroom.machine.shared_memory.scarce import LONG, NO_MEMORY, has_memory
from engineroom.protocol.records import CHUNK, MAX_RECORD

_WORTH_MAPPING = 4 * 1024 * 1024

_LITTLE = 64 * 1024

_NOWHERE = memoryview(mmap.mmap(-1, MAX_RECORD))
"""Where bytes go that nobody wants any more. Not used otherwise, so it takes no memory until then."""

Buffer = bytes | bytearray | memoryview
Packed = bytes | list[memoryview]
"""A packed value: `bytes` when short enough for its message, segments when it has to travel apart."""


class Payload:
    """Bytes of a known size, which may still be arriving.

    `error`: None, or why the rest will never come; `no_memory`: because this process has none for it. `spread`: what
    the controller notes of who else needs it. `unseen`: they lie in another process's memory, of which this one has
    hold, and it has not looked at them. `is_passed_on`: they are being sent from here, or may be.
    """

    unseen: ClassVar[bool] = False

    __slots__ = (
        "_accept",
        "_arriving",
        "_looked",
        "_refuse",
        "_watchers",
        "error",
        "handed_over",
        "is_passed_on",
        "no_memory",
        "pieces",
        "received",
        "size",
        "spread",
    )

    def __init__(
        self, size: int, *, accept: Callable[[], None] | None = None, refuse: Callable[[str], None] | None = None
    ) -> None:
        self.size = size
        self.received = 0
        self.error: str | None = None
        self.no_memory = False
        self.spread: object = None
        self.is_passed_on = self.handed_over = False
        self.pieces: list[Buffer] = []
        self._accept, self._refuse = accept, refuse
        self._arriving = memoryview(b"")
        self._looked = -LONG
        self._watchers: list[Callable[[], None]] = []

    @classmethod
    def of(cls, segments: Sequence[Buffer]) -> Payload:
        """Return the payload that consists of `segments`, all there."""
        payload = cls(sum(memoryview(segment).nbytes for segment in segments))
        payload.pieces = [memoryview(segment).cast("B") for segment in segments if memoryview(segment).nbytes]
        payload.received = payload.size
        return payload

    @classmethod
    def failed(cls, size: int, reason: str) -> Payload:
        """Return a payload of which nothing will come."""
        payload = cls(size)
        payload.error = reason
        return payload

    @property
    def complete(self) -> bool:
        return self.received == self.size

    def accept(self) -> None:
        """Let the sender send; does nothing the second time."""
        accept, self._accept = self._accept, None
        if accept is not None:
            accept()

    def refuse(self, reason: str) -> None:
        """Tell the sender that nobody wants it, or the rest of it; nothing if it is here."""
        if self._refuse is not None and not self.complete and self.error is None:
            self._refuse(reason)

    def refuse_for_want_of_memory(self) -> None:
        """Tell the sender that this process has no memory for it."""
        self.no_memory = True
        self.refuse(NO_MEMORY.format(self.size))

    def watch(self, callback: Callable[[], None]) -> None:
        """Have `callback()` called at each growth, at the end, and on failure."""
        self._watchers.append(callback)

    def unwatch(self, callback: Callable[[], None]) -> None:
        if callback in self._watchers:
            self._watchers.remove(callback)

    def target(self, size: int) -> memoryview:
        """Return where the next `size` bytes belong. ProtocolError: that is more than was announced; MemoryError: there
        is no memory for the rest, or no longer."""
        if self.received + size > self.size:
            raise ProtocolError(f"a stream announced as {self.size} bytes contains more")
        if self.received - self._looked >= LONG:
            self.see_to_memory()
        return self._place_for(size)

    def see_to_memory(self) -> None:
        """MemoryError: there is no memory for what is still to come; to touch it could kill this process."""
        self._looked = self.received
        if not has_memory(self.size - self.received):
            raise MemoryError(NO_MEMORY.format(self.size))

    def _place_for(self, size: int) -> memoryview:
        self._arriving = POOL.take(size)
        return self._arriving

    def filled(self, size: int) -> None:
        """Note that the `size` bytes for which there was a `target` are there."""
        self.pieces.append(self._arriving)
        self.received += size
        self._tell()

    def add(self, data: memoryview) -> None:
        """Append what has arrived; ProtocolError if it is more than was announced."""
        self.target(len(data))[:] = data
        self.filled(len(data))

    def whole(self) -> None:
        """Note that all of it is there, though nothing of it was added."""
        self.received = self.size
        self._tell()

    def fail(self, reason: str) -> None:
        """Say that the rest will never come."""
        if not self.complete and self.error is None:
            self.error = reason
            self._tell()

    def buffer(self) -> Buffer:
        """Return all bytes as one buffer; only once complete. MemoryError: there was none for them."""
        if self.error is not None:
            raise MemoryError(self.error)
        return self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)

    def hand_over(self) -> Buffer:
        """Return all bytes for somebody who may write to them. MemoryError: there was none for them."""
        if self.is_passed_on:
            return bytearray(self.buffer())
        self.handed_over = True
        return self.buffer()

    def unchanged(self) -> Buffer | None:
        """Return all bytes as they have come; None: they were handed over since, and may have been written to."""
        return None if self.handed_over else self.buffer()

    def mapper(self) -> Callable[[], memoryview] | None:
        """Return what maps all bytes once more, as private as the first time; None: they can't be mapped. Once
        complete, and before anybody writes to `buffer()`."""
        return None

    def _tell(self) -> None:
        watchers = tuple(self._watchers)
        if self.complete or self.error is not None:
            self._watchers.clear()  # nothing more to tell; and callbacks that know the payload would keep it alive
        for callback in watchers:
            callback()


class PlacedPayload(Payload):
    """A payload whose bytes all have one place, once that is set."""

    __slots__ = ("_place",)

    def __init__(
        self, size: int, *, accept: Callable[[], None] | None = None, refuse: Callable[[str], None] | None = None
    ) -> None:
        super().__init__(size, accept=accept, refuse=refuse)
        self._place = _NOWHERE[:0]

    def _place_for(self, size: int) -> memoryview:
        if not self._place:
            raise ProtocolError(f"a stream of {self.size} bytes was not asked for")
        return self._place[self.received : self.received + size]

    def filled(self, size: int) -> None:
        self.received += size
        self._tell()

    def fail(self, reason: str) -> None:
        super().fail(reason)
        if self.error is not None:
            self._place = _NOWHERE[:0]

    def buffer(self) -> memoryview:
        if self.error is not None:
            raise MemoryError(self.error)
        return self._place


class AssembledPayload(PlacedPayload):
    """A payload that arrives in one private, writable buffer. MemoryError: there is none for it."""

    __slots__ = ()

    def __init__(
        self, size: int, *, accept: Callable[[], None] | None = None, refuse: Callable[[str], None] | None = None
    ) -> None:
        super().__init__(size, accept=accept, refuse=refuse)
        self.see_to_memory()
        # A bytearray is zeroed here and now; of a mapping, the kernel zeroes each page when it is first written.
        self._place = memoryview(private(size) if size >= _WORTH_MAPPING else bytearray(size))


class Progress(NamedTuple):
    """How far a stream is: `sent` bytes of those that are `there`. `wanted`: its receiver has said so; `alone`: hardly
    anything else is on its way to it."""

    sent: int
    there: int
    wanted: bool
    alone: bool

    @property
    def is_up_to_date(self) -> bool:
        """Whether all that is there, and wanted, has been sent."""
        return self.wanted and self.sent == self.there


class _Outgoing:
    """A payload on its way out: how far it is, and how far it may go."""

    __slots__ = ("credit", "offset", "payload", "piece", "queued", "sent", "stream", "wake")

    def __init__(self, stream: int, payload: Payload, wake: Callable[[], None]) -> None:
        self.stream, self.payload, self.wake = stream, payload, wake
        self.credit = self.sent = self.piece = self.offset = 0
        self.queued = False

    def release(self) -> None:
        """Let go of the payload, now rather than when the garbage collector finds the cycle."""
        self.payload.unwatch(self.wake)
        self.payload, self.wake = _NOTHING, _do_nothing

    def take(self, limit: int) -> list[Buffer]:
        """Return the next bytes that are there, up to `limit`, from as many pieces as they lie in."""
        pieces = self.payload.pieces
        taken: list[Buffer] = []
        left = min(limit, self.credit)
        while left and self.piece < len(pieces):
            data = memoryview(pieces[self.piece])[self.offset : self.offset + left]
            taken.append(data)
            left -= len(data)
            self.sent += len(data)
            self.credit -= len(data)
            self.offset += len(data)
            if self.offset == len(pieces[self.piece]):
                self.piece, self.offset = self.piece + 1, 0
        return taken

    def chunk_size(self, usual: int) -> int:
        """Return how much to send next: all, if only a little more than usual is left."""
        left = self.payload.size - self.sent
        return left if left <= usual + _LITTLE else usual


def _do_nothing() -> None:
    """Stand in for a callback of a stream that is over."""


_NOTHING = Payload(0)


class OutgoingStreams:
    """What one connection has to send in chunks; each stream that can go on gets one chunk in turn.

    `window`: bytes that the far end takes before it says more; `chunk`: bytes that are sent in one go. `ready()`
    is called when a chunk may be had. `turns`, `failed`: empty while `next_chunk` and `failures` have nothing.
    """

    def __init__(self, ready: Callable[[], None]) -> None:
        self.window = self._most = 0
        self.chunk = CHUNK
        self._ready = ready
        self._streams: dict[int, _Outgoing] = {}
        self.some: Mapping[int, object] = self._streams
        """Those of which something may have to be sent."""
        self._held: dict[int, _Outgoing] = {}
        """Those of which nothing needs to be sent."""
        self.turns: deque[_Outgoing] = deque()
        self._last = 0
        self.failed: list[tuple[int, str]] = []

    def open(self, payload: Payload) -> int:
        """Return the id of a new stream that will carry `payload`."""
        self._last = stream = self._last + 1
        outgoing = _Outgoing(stream, payload, lambda: self._grown(outgoing))
        self._streams[stream] = outgoing
        payload.watch(outgoing.wake)
        return stream

    def credit(self, stream: int, size: int) -> None:
        """Take the far end's word that it wants `size` more bytes (stream 0: of all streams together)."""
        if stream == 0:
            self.window += size
            self._most = max(self._most, self.window)
            self._ready()
        elif (outgoing := self._streams.get(stream)) is not None:
            outgoing.credit += size
            self._grown(outgoing)

    def cancel(self, stream: int) -> None:
        """Send no more of `stream`."""
        if (outgoing := self._streams.pop(stream, None) or self._held.pop(stream, None)) is not None:
            outgoing.release()

    def held(self, stream: int) -> None:
        """The far end has hold of all of `stream`, though nothing of it was sent; it is to be kept until `cancel`."""
        if (outgoing := self._streams.pop(stream, None)) is not None:
            self._held[stream] = outgoing

    def left(self, stream: int) -> int:
        """Return how many bytes of `stream` have not been sent; 0 also if nobody wants them."""
        outgoing = self._streams.get(stream)
        return 0 if outgoing is None else outgoing.payload.size - outgoing.sent

    def progress(self, stream: int) -> Progress | None:
        """Return how far `stream` is; None: there is nothing to send."""
        outgoing = self._streams.get(stream)
        if outgoing is None:
            return None
        wanted = outgoing.credit > 0 or outgoing.sent > 0
        return Progress(outgoing.sent, outgoing.payload.received, wanted, self.window * 4 > self._most * 3)

    def next_chunk(self) -> tuple[int, list[Buffer]] | None:
        """Return a stream and some of its bytes, or None when nothing may be sent now."""
        while self.turns and self.window > 0:
            outgoing = self.turns.popleft()
            outgoing.queued = False
            if outgoing.stream not in self._streams:
                continue
            data = outgoing.take(min(outgoing.chunk_size(self.chunk), self.window))
            if not data:
                continue
            self.window -= sum(map(len, data))
            if outgoing.sent == outgoing.payload.size:
                self.cancel(outgoing.stream)
            else:
                self._queue(outgoing)
            return outgoing.stream, data
        return None

    def failures(self) -> list[tuple[int, str]]:
        """Return, once, the streams whose payload will never be complete, and why."""
        failed, self.failed = self.failed, []
        return failed

    def close(self) -> None:
        """Forget all streams."""
        for stream in (*self._streams, *self._held):
            self.cancel(stream)
        self.turns.clear()

    def _grown(self, outgoing: _Outgoing) -> None:
        if outgoing.payload.error is not None:
            self.failed.append((outgoing.stream, outgoing.payload.error))
            self.cancel(outgoing.stream)
        else:
            self._queue(outgoing)
        self._ready()

    def _queue(self, outgoing: _Outgoing) -> None:
        if not outgoing.queued and outgoing.credit > 0:
            outgoing.queued = True
            self.turns.append(outgoing)


class IncomingStreams:
    """What one connection receives in chunks."""

    def __init__(self, window: int) -> None:
        self.window = window
        self._streams: dict[int, Payload] = {}
        self.some: Mapping[int, object] = self._streams
        """Those that have not come to their ends."""
        self._unacknowledged = 0

    def add(self, stream: int, payload: Payload) -> None:
        if stream in self._streams:
            raise ProtocolError(f"stream {stream} is announced twice")
        self._streams[stream] = payload

    def target(self, stream: int, size: int) -> memoryview:
        """Return where the next `size` bytes of `stream` belong; those of a cancelled one go nowhere."""
        payload = self._streams.get(stream)
        if payload is not None:
            try:
                return payload.target(size)
            except MemoryError:
                payload.refuse_for_want_of_memory()
        return _NOWHERE[:size]

    def filled(self, stream: int, size: int) -> None:
        """Note that these bytes are there."""
        self._unacknowledged += size
        payload = self._streams.get(stream)
        if payload is not None:
            if payload.received + size == payload.size:
                del self._streams[stream]
            payload.filled(size)

    def whole(self, stream: int) -> None:
        """All of a payload is here that does not come in chunks."""
        if (payload := self._streams.pop(stream, None)) is not None:
            payload.whole()

    def cancel(self, stream: int, reason: str) -> bool:
        """Expect no more of `stream`; True if it was expected."""
        payload = self._streams.pop(stream, None)
        if payload is not None:
            payload.fail(reason)
        return payload is not None

    def credit_due(self) -> int:
        """Return how many bytes the far end should be told have arrived (0: not worth a message yet)."""
        if self._unacknowledged * 4 < self.window:
            return 0
        due, self._unacknowledged = self._unacknowledged, 0
        return due

    def close(self, reason: str) -> None:
        """Nothing more comes. What lies where this process has hold of it is here nevertheless."""
        for stream, payload in tuple(self._streams.items()):
            if payload.unseen:
                self.whole(stream)
            else:
                self.cancel(stream, reason)
