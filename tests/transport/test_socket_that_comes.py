"""A controller that is just starting, as its peers look for it, and peers that stop looking."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engineroom.protocol.connection_files import ConnectionFile
from engineroom.protocol.messages import Join
from engineroom.transport.dial import connect
from tests.transport.conftest import Inbox

JOIN = Join(proof=b"", identity=b"i" * 16)


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


def renamed(path: Path, name: str) -> Path:
    return path.rename(path.with_name(name))


def test_a_unix_socket_that_comes_while_addresses_are_tried_is_taken_all_the_same(open_door: Any) -> None:
    """Or memory would not be shared with a controller that was restarted, until the next time."""

    async def story() -> None:
        async with open_door() as door:
            away = renamed(Path(door.info.socket), "away")
            _, port = door.info.candidates()[0]

            async def comes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                renamed(away, "door.sock")
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
                await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))

            async with await asyncio.start_server(comes, "127.0.0.1", 0) as between:
                through = between.sockets[0].getsockname()[1]
                info = msgspec.structs.replace(door.info, url=f"tcp://127.0.0.1:{through}")
                connection, _ = await connect(info, role="client", join=JOIN)
                assert connection.kind == "unix"
                connection.start(Inbox())
                connection.close("done")

    asyncio.run(story())


@pytest.mark.parametrize("kind", ["unix", "tls"])
def test_whoever_is_cancelled_in_the_middle_does_not_go_on(open_door: Any, kind: str) -> None:
    """At whatever step: something may have come, or failed, at the same moment."""

    async def ended_at(step: int, info: ConnectionFile) -> bool:
        connecting = asyncio.ensure_future(connect(info, role="client", join=JOIN))
        for _ in range(step):
            await asyncio.sleep(0)
        if connecting.done():
            connection, _ = connecting.result()
            connection.start(Inbox())
            connection.close("done")
            return True
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting
        return False

    async def story() -> None:
        async with open_door() as door:
            info = (
                door.info if kind == "unix" else msgspec.structs.replace(door.info, socket=f"{door.info.socket}.none")
            )
            step = 0
            while not await ended_at(step, info):
                step += 1

    asyncio.run(story())
