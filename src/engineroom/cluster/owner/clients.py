"""The clients that a Cluster has connected: when it has changed engines, they know before its user goes on."""

from __future__ import annotations

import asyncio
import weakref
from typing import TYPE_CHECKING

from engineroom.errors import EngineroomError
from engineroom.protocol.questions import AskQueues

if TYPE_CHECKING:
    from engineroom.client.client import Client

_SECONDS = 5.0
"""A controller that is away, or busy for longer, tells them later."""


class OwnClients:
    """Those of a Cluster that are in use."""

    def __init__(self) -> None:
        self._clients: weakref.WeakSet[Client] = weakref.WeakSet()

    def add(self, client: Client) -> None:
        self._clients.add(client)

    async def catch_up(self) -> None:
        """Return once each has heard what the controller had to say when this was called."""
        await asyncio.gather(*(asyncio.to_thread(_catch_up, client) for client in tuple(self._clients)))


def _catch_up(client: Client) -> None:
    try:
        client._session.ask(AskQueues(), "what engines there are", timeout=_SECONDS)
    except (EngineroomError, TimeoutError, RuntimeError):  # it is closed, away, or of another process
        return
