"""What the two ends of a connection say of the payloads that travel over it, or lie in memory that both can open."""

from __future__ import annotations

from engineroom.protocol.calls import Header
from engineroom.protocol.ranges import Descriptor, Inodes, Number, OpenStream, OpenStreams, Pid, Size, StreamId, Text


class Credit(Header, frozen=True, tag="credit"):
    """The far end may send `size` more bytes: of `stream`, or (stream 0) of all streams together."""

    stream: StreamId
    size: Size


class Cancel(Header, frozen=True, tag="cancel"):
    """No more of `stream`: its sender can't go on (`reason` says why), or its receiver wants no more.

    `unwanted`: the receiver says so, about a stream of the other side.
    """

    stream: StreamId
    reason: Text = ""
    unwanted: bool = False


class Borrowed(Header, frozen=True, tag="borrowed"):
    """What has become of payloads that lie in shared memory, by their streams.

    `held`: the receiver can open them whatever becomes of their sender. `returned`: it needs them no more, and has no
    mapping of them; `spoiled`: the same, but there may be mappings, so that the memory must not be written again.
    `trouble`: why something long goes, or has to come, over the connection; "" if nothing does any more.
    `dropped`: memory, by inode, that its owner has given back: it is gone once nobody keeps a mapping of it.
    """

    held: OpenStreams = ()
    returned: OpenStreams = ()
    spoiled: OpenStreams = ()
    trouble: Text | None = None
    dropped: Inodes = ()


def given_back(stream: int, *, spoiled: bool) -> Borrowed:
    """Return how the receiver says that it needs a payload no more; `spoiled`: it may still have mappings of it."""
    these = (stream,)
    return Borrowed(spoiled=these) if spoiled else Borrowed(returned=these)


class Near(Header, frozen=True, tag="near"):
    """Where the payload of `stream` lies on an engine's machine: file `descriptor` of process `pid`, which has this
    `device` and `inode`. The engine that carries it says so, and the controller to those that wait.

    `pid` 0: from an engine, it can't carry it; to one that waits, it is to carry it itself.
    """

    stream: OpenStream
    pid: Pid = 0
    descriptor: Descriptor = 0
    device: Number = 0
    inode: Number = 0
