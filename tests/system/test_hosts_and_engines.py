"""A host may end the engines that it started, and no others; others may be there, also before its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from engineroom import Client, Cluster
from engineroom.protocol.closing import Closing
from engineroom.protocol.connection_files import read_connection_file
from engineroom.protocol.identities import identity_of, new_secret
from engineroom.protocol.messages import Join, Shutdown
from engineroom.settings.profiles import Profile
from engineroom.transport.dial import connect
from tests.system.conftest import SECONDS, Command


class Stranger:
    """A host that started nothing."""

    def on_messages(self, messages: list[Any]) -> None:
        """Hear what the controller says."""

    def on_closed(self, closing: Closing) -> None:
        """Take note of the end."""


def test_a_host_that_wants_others_engines_gone(cluster: Cluster, rc: Client) -> None:
    path = cluster.client_connection_file.replace("client", "engine")

    async def ask() -> None:
        info = read_connection_file(path)
        secret = new_secret()
        join = Join(proof=b"", identity=identity_of(secret), secret=secret)
        connection, _ = await connect(info, role="host", join=join, seconds=SECONDS)
        connection.start(Stranger())
        connection.send(Shutdown(engines=(0, 1), reason="I want it"))
        connection.send(Shutdown(controller=True, reason="I want it"))
        connection.close("")
        await asyncio.sleep(0)

    asyncio.run(ask())
    assert rc[:].apply_sync(abs, -3) == [3, 3]
    assert rc.ids == [0, 1]


def test_engines_of_others_are_no_hindrance(command: Callable[..., Command], profile: Profile) -> None:
    by_hand = command("ipengine").says("waiting for the controller")
    with Cluster(n=1, profile="default", cluster_id="") as rc:
        by_hand.says("registered  engine=")
        cluster = Cluster.from_file(profile="default", cluster_id="")
        cluster.start_engines_sync(1)
        rc.wait_for_engines(3, timeout=SECONDS)
        assert rc.ids == [0, 1, 2]
    by_hand.ends()
