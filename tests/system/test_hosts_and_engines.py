"""A host may end the engines that it started, and no others."""

from __future__ import annotations

import asyncio
from typing import Any

from engineroom import Client, Cluster
from engineroom.ids import new_instance
from engineroom.protocol.connection_files import read_connection_file
from engineroom.protocol.messages import Join, Shutdown
from engineroom.transport.dial import connect
from tests.system.conftest import SECONDS


class Stranger:
    """A host that started nothing."""

    def on_messages(self, messages: list[Any]) -> None:
        """Hear what the controller says."""

    def on_closed(self, reason: str, *, clean: bool) -> None:
        """Take note of the end."""


def test_a_host_that_wants_others_engines_gone(cluster: Cluster, rc: Client) -> None:
    path = cluster.client_connection_file.replace("client", "engine")

    async def ask() -> None:
        info = read_connection_file(path)
        connection, _ = await connect(info, role="host", join=Join(proof=b"", identity=new_instance()), seconds=SECONDS)
        connection.start(Stranger())
        connection.send(Shutdown(engines=(0, 1), reason="I want it"))
        connection.send(Shutdown(controller=True, reason="I want it"))
        connection.close("")
        await asyncio.sleep(0)

    asyncio.run(ask())
    assert rc[:].apply_sync(abs, -3) == [3, 3]
    assert rc.ids == [0, 1]
