"""Where a payload lies that one engine of a machine has received for the others."""

from __future__ import annotations

from engineroom.protocol.calls import Header
from engineroom.protocol.ranges import Descriptor, Number, OpenStream, Pid


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
