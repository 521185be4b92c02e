"""What a Cluster does with one of its engines, by way of its controller."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engineroom.cluster.owner.blocking import blocking

if TYPE_CHECKING:
    from engineroom.client.client import Client
    from engineroom.cluster.owner.clients import OwnClients


class OneEngine:
    """The part of a Cluster that is about single engines. Sets of engines are quicker to deal with.

    When one has been stopped or restarted, the clients that this Cluster has connected know it.
    """

    if TYPE_CHECKING:
        _clients: OwnClients

        async def connect_client(self, /, **options: Any) -> Client: ...

    async def stop_engine(self, engine_id: int) -> None:
        """Stop the engine `engine_id`, and wait until it has ended. IndexError: there is no such engine."""
        await self._do(lambda client: client.shutdown(engine_id, block=True))
        await self._clients.catch_up()

    async def restart_engine(self, engine_id: int) -> None:
        """Stop the engine `engine_id` and start it again, with the same id and an empty namespace.

        It is back when this returns. IndexError: there is no such engine. EngineroomError: it cannot be restarted; the
        message says why.
        """
        await self._do(lambda client: client.shutdown(engine_id, restart=True, block=True))
        await self._clients.catch_up()

    async def signal_engine(self, signum: int | str, engine_id: int) -> None:
        """Send the signal `signum`, a number or a name ("SIGINT"), to the engine `engine_id`.

        ValueError: there is no such signal. IndexError: there is no such engine. EngineroomError: the signal did not
        reach it; the message says why.
        """
        await self._do(lambda client: client.send_signal(signum, engine_id))

    stop_engine_sync = blocking(stop_engine)
    restart_engine_sync = blocking(restart_engine)
    signal_engine_sync = blocking(signal_engine)

    async def _do(self, act: Callable[[Client], object]) -> None:
        """Call `act` with a client of its own."""
        client = await self.connect_client()
        try:
            await asyncio.to_thread(act, client)
        finally:
            await asyncio.to_thread(client.close)
