"""What a connection reads of its socket, by turns of its loop and of other threads."""

from __future__ import annotations

import ssl
from typing import Any, Protocol

from engineroom.errors import ProtocolError
from engineroom.protocol.closing import Why, why_of
from engineroom.protocol.records import RecordReader
from engineroom.protocol.streams import IncomingStreams, OutgoingStreams
from engineroom.transport.decoders import INVALID
from engineroom.transport.reading import Turn
from engineroom.transport.wire import Wire

_ENCRYPTED = 32 * 1024
"""Bytes that another thread reads at once over TLS, each connection into a buffer of its own."""


class Hearer(Protocol):
    """What an inlet needs of its connection."""

    heard: bool

    @property
    def kind(self) -> str: ...
    @property
    def closed(self) -> bool: ...
    @property
    def transport(self) -> Any: ...
    def get_buffer(self, sizehint: int, /) -> memoryview: ...
    def buffer_updated(self, nbytes: int, /) -> None: ...
    def decode(self, body: Any, /) -> list[Any]: ...
    def hear(self, data: memoryview, /) -> None: ...
    def invalid(self, error: ProtocolError, /) -> None: ...
    def abort(self, reason: str, why: Why = ..., /) -> None: ...


class Inlet:
    """The source of a `Reading`."""

    def __init__(
        self,
        connection: Hearer,
        reader: RecordReader,
        wire: Wire,
        streams: tuple[IncomingStreams, OutgoingStreams],
    ) -> None:
        self._connection, self._reader, self._wire = connection, reader, wire
        self._incoming, self._outgoing = streams
        self._encrypted = memoryview(bytearray(_ENCRYPTED)) if connection.kind == "tls" else None

    @property
    def is_midway(self) -> bool:
        return bool(self._incoming.some or self._outgoing.some or self._reader.is_midway)

    @property
    def is_closing(self) -> bool:
        return self._connection.closed or self._connection.transport.is_closing()

    def target(self) -> memoryview:
        return self._connection.get_buffer(-1)

    def arrived(self, count: int) -> None:
        self._connection.buffer_updated(count)

    def ended(self, error: OSError | None) -> None:
        if error is None:
            self._connection.transport.close()
        else:
            self._connection.abort(str(error), why_of(error))

    def target_here(self) -> memoryview:
        return self._encrypted or self._reader.buffer()

    def lone(self, turn: Turn) -> list[Any] | None:
        count = turn.counts[0]
        try:
            if self._encrypted is not None:
                count = self._decrypt(turn, self._encrypted[:count])
            body = self._reader.lone(count)
            if body is None:
                return None
            self._connection.heard = True
            return self._connection.decode(body)
        except INVALID:
            return None  # the loop finds the same, and says so

    def _decrypt(self, turn: Turn, data: memoryview) -> int:
        """Return how many bytes are there to be read, 0 for what the loop had better look at."""
        if turn.left or not data:
            return 0
        turn.opening = True
        try:
            turn.opened = self._wire.open_here(data, self._reader.buffer())
        except ssl.SSLError as error:
            turn.error = error
            return 0
        return turn.opened

    def take_left(self, turn: Turn) -> None:
        if isinstance(turn.error, ssl.SSLError):
            self._connection.abort(f"TLS: {turn.error}")
        elif turn.error is not None:
            self.ended(turn.error)
        elif turn.taken:
            if turn.rest is not None:
                turn.rest()
        elif turn.counts:
            self._take(turn, turn.counts[0])

    def _take(self, turn: Turn, count: int) -> None:
        connection = self._connection
        connection.heard = True
        if not count:
            self.ended(None)
        elif self._encrypted is None:
            connection.buffer_updated(count)
        elif turn.opening and turn.opened is None:  # a handler has raised there: nobody knows how much of it is lost
            connection.abort("a read was interrupted")
        else:
            try:
                if turn.opened:
                    self._reader.updated(turn.opened)
                connection.hear(memoryview(b"") if turn.opening else self._encrypted[:count])
            except ProtocolError as error:
                connection.invalid(error)
