"""A connection that never leaves the process, for tests: the same code over a transport of two deques."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from engineroom.protocol.streams import Buffer
from engineroom.transport import decoders
from engineroom.transport.connection import Connection

_WINDOW = 1024 * 1024


class _MemoryTransport(asyncio.Transport):
    """Delivers what is written to the other side at the next tick."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._loop = loop
        self.other: Connection
        self.mine: Connection
        self._open = True

    def write(self, data: Buffer) -> None:
        if self._open:
            self._loop.call_soon(self._deliver, bytes(data))

    def writelines(self, list_of_data: Iterable[Buffer]) -> None:
        self.write(b"".join(list_of_data))

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return not self._open

    def close(self) -> None:
        if self._open:
            self._open = False
            self._loop.call_soon(self.mine.connection_lost, None)
            self._loop.call_soon(self._hang_up)

    abort = write_eof = close

    def _deliver(self, data: bytes) -> None:
        if not self.other.closed:
            _feed(self.other, data)

    def _hang_up(self) -> None:
        if not self.other.closed:
            self.other.transport.close()


def _feed(connection: Connection, data: bytes) -> None:
    while data:
        buffer = connection.get_buffer(-1)
        taken = min(len(buffer), len(data))
        buffer[:taken] = data[:taken]
        connection.buffer_updated(taken)
        data = data[taken:]


def memory_pair(role: str) -> tuple[Connection, Connection]:
    """Return the two ends (the controller's, the peer's) of a trusted connection of `role`, not yet started."""
    loop = asyncio.get_running_loop()
    controller = Connection(decoders.from_stranger, kind="memory", window=_WINDOW, says_why=True)
    peer = Connection(decoders.from_controller[role], kind="memory", window=_WINDOW)
    transports = _MemoryTransport(loop), _MemoryTransport(loop)
    for transport, mine, other in zip(transports, (controller, peer), (peer, controller), strict=True):
        transport.mine, transport.other = mine, other
        mine.connection_made(transport)
    controller.trust(decoders.from_peer[role], peer_window=_WINDOW)
    peer.trust(decoders.from_controller[role], peer_window=_WINDOW)
    return controller, peer
