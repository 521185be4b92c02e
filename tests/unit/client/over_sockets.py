"""A fake controller at the other end of a real socket: the client may read that in any of its threads."""

from __future__ import annotations

import asyncio
import socket

from engineroom.transport import decoders
from engineroom.transport.connection import Connection
from tests.unit.client.fake_controller import FakeController

_WINDOW = 1024 * 1024


async def socket_pair(role: str) -> tuple[Connection, Connection]:
    """Return what `memory_pair` does, over a pair of sockets."""
    loop = asyncio.get_running_loop()
    controller = Connection(decoders.from_stranger, kind="unix", window=_WINDOW, says_why=True)
    peer = Connection(decoders.from_controller[role], kind="unix", window=_WINDOW)
    for connection, sock in zip((controller, peer), socket.socketpair(), strict=True):
        sock.setblocking(False)
        await loop.create_unix_connection(lambda connection=connection: connection, sock=sock)  # type: ignore[misc]
    controller.trust(decoders.from_peer[role], peer_window=_WINDOW)
    peer.trust(decoders.from_controller[role], peer_window=_WINDOW)
    return controller, peer


class FarController(FakeController):
    """A fake controller that is reached through a socket."""

    async def pair(self) -> tuple[Connection, Connection]:
        return await socket_pair("client")
