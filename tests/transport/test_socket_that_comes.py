"""A controller that is just starting, as its peers look for it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec

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
