"""A real door, on loopback and on a Unix socket, for peers to knock at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from engineroom.ids import new_epoch
from engineroom.machine.processes import boot_id, host_name
from engineroom.protocol.closing import Closing
from engineroom.protocol.connection_files import ConnectionFile
from engineroom.protocol.messages import PROTOCOL, Join, Welcome
from engineroom.transport import decoders
from engineroom.transport.connection import Connection
from engineroom.transport.listener import Listener
from engineroom.transport.tls import controller_context, ensure_certificate
from tests.patience import SECONDS

KEYS = {"client": "c" * 64, "engine": "e" * 64}


class Inbox:
    """A receiver that keeps what it gets."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.closed: list[tuple[str, bool]] = []
        self.closing: Closing | None = None
        self._changed = asyncio.Event()
        self.on_message: Callable[[Any], None] = lambda message: None

    def on_messages(self, messages: list[Any]) -> None:
        for message in messages:
            self.on_message(message)
        self.messages += messages
        self._changed.set()

    def on_closed(self, closing: Closing) -> None:
        self.closed.append((closing.words, closing.clean))
        self.closing = closing
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(SECONDS):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


class Door:
    """A listener, the file that leads to it, and whom it let in."""

    def __init__(self, directory: Path, **limits: Any) -> None:
        """`limits`: of the listener, on strangers."""
        self.directory, self.limits = directory, limits
        self.inside: list[tuple[Connection, str, Join, Inbox]] = []
        self.info = ConnectionFile(url="tcp://127.0.0.1:1", exec_key=KEYS["client"])
        self.listener: Listener
        self.silent = 0.0

    def admit(self, connection: Connection, role: str, join: Join) -> None:
        connection.send(Welcome(epoch=new_epoch(), protocol=PROTOCOL, window=connection.window, silent=self.silent))
        connection.trust(decoders.from_peer[role], peer_window=join.window)
        inbox = Inbox()
        connection.start(inbox)
        self.inside.append((connection, role, join, inbox))

    def open(self) -> None:
        certificate, key = self.directory / "c.crt", self.directory / "c.key"
        pem = ensure_certificate(certificate, key)
        self.listener = Listener(
            keys=KEYS,
            cluster_id="",
            context=controller_context(certificate, key),
            certificate=pem,
            admit=self.admit,
            silent=30,
            **self.limits,
        )
        port = self.listener.listen_tcp(["127.0.0.1"], [0])
        self.listener.listen_unix(self.directory / "s" / "door.sock")
        self.info = ConnectionFile(
            url=f"tcp://127.0.0.1:{port}",
            exec_key=KEYS["client"],
            certificate=pem,
            socket=self.listener.unix_path,
            host=host_name(),
            boot_id=boot_id(),
        )

    async def close(self) -> None:
        self.listener.close()
        for connection, *_ in self.inside:
            connection.close("the door is closed")
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture
def open_door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """An async context manager that yields an open Door; by the Unix socket unless ENGINEROOM_TRANSPORT says tls."""
    monkeypatch.delenv("ENGINEROOM_TRANSPORT", raising=False)

    @asynccontextmanager
    async def opened(**limits: Any) -> AsyncIterator[Door]:
        door = Door(tmp_path, **limits)
        door.open()
        try:
            yield door
        finally:
            await door.close()

    return opened
