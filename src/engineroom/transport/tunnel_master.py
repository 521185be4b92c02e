"""A tunnel by way of an ssh connection that the user has open: a master, as ControlMaster in ~/.ssh/config makes it.

So it is that somebody gets through who had to answer questions when logging in. What a master forwards stays with it,
whoever asked for it: so each connection has an ssh of its own, which the master lets in, and which ends with it. One
`ssh -O proxy` would do for all, but if an address refuses it takes the user's master along (OpenSSH 9.2).
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Sequence

from engineroom.transport.tunnel_plan import TunnelPlan
from engineroom.transport.tunnel_process import end, start

_BACKLOG = 1024
_ANSWERS_WITHIN = 3.0
"""Seconds that a master which works may take to say so."""


async def has_master(plan: TunnelPlan) -> bool:
    """Return whether the user has a connection to the server that others may share."""
    try:
        process = await start(plan.check)
    except OSError:
        return False
    try:
        async with asyncio.timeout(_ANSWERS_WITHIN):
            await process.communicate()
    except TimeoutError:
        return False
    finally:
        await end(process)
    return process.returncode == 0


class MasterTunnel:
    """Leads those who connect to the `paths` of `plan`. `on_words`: told each line that ssh says."""

    def __init__(self, plan: TunnelPlan, *, on_words: Callable[[bytes], None]) -> None:
        self._plan, self._on_words = plan, on_words
        self._gone = asyncio.Event()
        self._leading: set[asyncio.Task[None]] = set()

    async def run(self, on_open: Callable[[], None]) -> None:
        """Call `on_open()` when others can connect, and return when the master is gone."""
        loop = asyncio.get_running_loop()
        listeners = [_listen(path) for path in self._plan.paths]
        pairs = zip(listeners, self._plan.leads, strict=True)
        serving = [loop.create_task(self._serve(listener, command)) for listener, command in pairs]
        on_open()
        try:
            await self._gone.wait()
        finally:
            for listener in listeners:
                listener.close()
            await _cancelled([*serving, *self._leading])

    async def _serve(self, listener: socket.socket, command: Sequence[str]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, _ = await loop.sock_accept(listener)
            leading = loop.create_task(self._lead(connection, command))
            self._leading.add(leading)
            leading.add_done_callback(self._leading.discard)

    async def _lead(self, connection: socket.socket, command: Sequence[str]) -> None:
        with connection:
            process = await start(command, connection=connection)
        try:
            assert process.stderr is not None
            async for line in process.stderr:
                self._on_words(line)
            await process.wait()
        finally:
            await end(process)
        if not await has_master(self._plan):
            self._gone.set()


def _listen(path: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    os.chmod(path, 0o600)
    listener.listen(_BACKLOG)
    listener.setblocking(False)  # noqa: FBT003 (socket's own way)
    return listener


async def _cancelled(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
