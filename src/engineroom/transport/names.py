"""Looking up names without being held up by the one that never answers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import Any


async def look_up(host: str, port: int) -> list[tuple[Any, ...]]:
    """Return what `socket.getaddrinfo` does. socket.gaierror: there is no such name."""
    with contextlib.suppress(socket.gaierror):
        # Most are numbers, for which nobody is asked.
        return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST))
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[tuple[Any, ...]]] = loop.create_future()

    def settle(answer: list[tuple[Any, ...]] | OSError) -> None:
        if found.done():
            return
        if isinstance(answer, OSError):
            found.set_exception(answer)
        else:
            found.set_result(answer)

    def ask() -> None:
        answer: list[tuple[Any, ...]] | OSError
        try:
            answer = list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            answer = error
        with contextlib.suppress(RuntimeError):  # whoever asked has gone, and his loop is closed
            loop.call_soon_threadsafe(settle, answer)

    # A thread of the loop's own would hold up the end of the loop, and of the process.
    threading.Thread(target=ask, name="engineroom-name-lookup", daemon=True).start()
    return await found
