"""Descriptors are closed once: the number of one that was closed twice may be somebody else's by then."""

from __future__ import annotations

import contextlib
import gc
import socket
import struct
import threading
import warnings

from engineroom.transport.loops import new_loop
from engineroom.transport.reaching import by_address

_AT_ONCE = struct.pack("ii", 1, 0)
"""For SO_LINGER: a close resets the connection."""


def _hang_up(listening: socket.socket) -> None:
    """Reset each connection as soon as it is there."""
    with contextlib.suppress(OSError):
        while True:
            sock, _ = listening.accept()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            sock.close()


async def _reach(port: int) -> None:
    with contextlib.suppress(OSError):
        connection = await by_address("127.0.0.1", port, "", "client", 30.0, lambda _: None)
        connection.abort("not wanted")


def test_a_connection_that_is_reset_at_once_is_closed_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = threading.Thread(target=_hang_up, args=(listening,))
        server.start()
        loop = new_loop()
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", ResourceWarning)
                for _ in range(300):
                    loop.run_until_complete(_reach(listening.getsockname()[1]))
                gc.collect()
        finally:
            loop.close()
            listening.shutdown(socket.SHUT_RDWR)
            server.join()
    assert not [str(each.message) for each in caught]
