"""What processes of one machine say of payloads that lie in the memory of one of them."""

from __future__ import annotations

from engineroom.protocol.calls import Header
from engineroom.protocol.ranges import Descriptor, Inodes, Number, OpenStream, OpenStreams, Pid, Text


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
