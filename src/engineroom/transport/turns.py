"""Turns: who sends very much is read again only when others were."""

from __future__ import annotations

import asyncio

from engineroom.transport.connection import Connection


def rest(connection: Connection) -> None:
    """Read nothing more from `connection` in this tick.

    An event loop reads the same socket many times in a row as long as it is filled as fast: uvloop does so 32 times.
    """
    if connection.kind == "memory" or connection.closed:
        return
    transport = connection.transport
    if transport.is_reading() and not transport.is_closing():
        transport.pause_reading()
        asyncio.get_running_loop().call_soon(_go_on, connection)


def _go_on(connection: Connection) -> None:
    if not connection.closed and not connection.transport.is_closing():
        connection.transport.resume_reading()
