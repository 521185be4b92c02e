"""What a connection asks of whoever has payloads in shared memory, with its far end or with others than that."""

from __future__ import annotations

from typing import Protocol

from engineroom.protocol.messages import Borrowed, Near, Stream
from engineroom.protocol.streams import Payload


class MemorySide(Protocol):
    """One side's part in payloads that lie in shared memory. For its connection's loop."""

    def told(self, message: Near) -> None:
        """The far end says where a payload lies, or that it is to be carried."""

    def hear(self, message: Borrowed) -> None:
        """The far end says what has become of such payloads."""

    def wants_stream(self, stream: int) -> None:
        """The far end gives credit for a stream of this side."""

    def unwanted(self, stream: int) -> None:
        """A stream of this side is over before its end."""

    def close(self) -> None:
        """The connection is gone."""


class NearSide(MemorySide, Protocol):
    """One side's part in what engines of one machine receive for each other."""

    def lend(self, stream: Stream, payload: Payload) -> Stream:
        """Return what the far end is to be told of `stream`, which was opened for `payload`."""

    def receive(self, stream: Stream) -> Payload | None:
        """Return the payload of a stream in which this side has a part; None: it comes as any stream does."""
