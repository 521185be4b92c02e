"""What comes of a connection's streams, handed to all that have a part in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.protocol.messages import Apart, Borrowed, Cancel, Credit, Near, Shared, Stream
from engineroom.protocol.streams import IncomingStreams, OutgoingStreams, Payload

if TYPE_CHECKING:
    from engineroom.transport.near import MemorySide, NearSide
    from engineroom.transport.sharing import Sharing


def in_shared_memory(
    stream: Apart, sharing: Sharing | None, near: NearSide | None, *, assemble: bool
) -> Payload | None:
    """Return the payload that `stream` brings, if it lies in shared memory, or will; None: it comes in chunks."""
    if type(stream) is Shared:
        return None if sharing is None else sharing.borrow(stream, assemble=assemble)
    assert isinstance(stream, Stream)
    return near.receive(stream) if stream.part and near is not None else None


def take_news(
    message: Credit | Cancel | Borrowed | Near,
    outgoing: OutgoingStreams,
    incoming: IncomingStreams,
    sharing: Sharing | None,
    near: NearSide | None,
) -> None:
    """Have the streams, and what of them lies in shared memory, know of `message`."""
    for side in (near, sharing):
        if side is not None:
            _tell(side, message)
    match message:
        case Credit(stream=stream, size=size):
            outgoing.credit(stream, size)
        case Cancel(stream=stream, reason=reason, unwanted=unwanted):
            if unwanted:
                outgoing.cancel(stream)
            else:
                incoming.cancel(stream, reason)
        case Borrowed() | Near():
            pass


def _tell(side: MemorySide, message: Credit | Cancel | Borrowed | Near) -> None:
    match message:
        case Credit(stream=stream):
            if stream:
                side.wants_stream(stream)
        case Cancel(stream=stream, unwanted=unwanted):
            if unwanted:
                side.unwanted(stream)
        case Borrowed():
            side.hear(message)
        case Near():
            side.told(message)
