"""A peer that says whatever a test wants: it has the key, and keeps to no rule after the handshake."""

from __future__ import annotations

import asyncio
import struct
from typing import Any, Self

import msgspec

from engineroom.protocol.closing import Closing
from engineroom.protocol.connection_files import ConnectionFile
from engineroom.protocol.identities import identity_of, new_secret
from engineroom.protocol.messages import Held, Join, Refused, Welcome
from engineroom.transport.connection import Connection
from engineroom.transport.dial import connect
from tests.patience import SECONDS


class Liar:
    """One connection of a role; `heard`: what the controller has said."""

    def __init__(self, role: str, connection: Connection, welcome: Welcome | None, secret: bytes) -> None:
        """`welcome`: None if it is still to be heard."""
        self.role, self.connection, self.welcome, self.secret = role, connection, welcome, secret
        self.identity = identity_of(secret)
        self.heard: list[Any] = []
        self.closing: Closing | None = None
        self._news = asyncio.Event()
        connection.start(self)

    @classmethod
    async def join(cls, file: ConnectionFile, role: str, **told: Any) -> Self:
        """Connect as `role`, with `told` in the Join; an engine holds nothing, and says so, unless `holds` is None."""
        holds = told.pop("holds", ())
        secret = told.pop("secret", None) or new_secret()
        identity = told.pop("identity", None) or identity_of(secret)
        join = Join(proof=b"", identity=identity, secret=secret, **told)
        connection, welcome = await connect(file, role=role, join=join, seconds=SECONDS)
        liar = cls(role, connection, welcome, secret)
        if role == "engine" and holds is not None:
            liar.say(Held(last=True))
        return liar

    def on_messages(self, messages: list[Any]) -> None:
        self.heard += messages
        self._news.set()

    def on_closed(self, closing: Closing) -> None:
        self.closing = closing
        self._news.set()

    def say(self, *messages: Any) -> None:
        """Send messages that can be sent properly."""
        for message in messages:
            self.connection.send(message)

    def say_raw(self, *messages: list[Any]) -> None:
        """Send messages that are lists, in one record."""
        self.say_record(msgspec.msgpack.encode(list(messages)))

    def say_record(self, body: bytes, *, kind: int = 0) -> None:
        """Send a record of this kind."""
        self.say_bytes(struct.pack(">IB", len(body) + 1, kind) + body)

    def say_bytes(self, data: bytes) -> None:
        """Send anything."""
        self.connection.flush()
        self.connection._write([data])

    async def until(self, condition: Any) -> None:
        """Return once `condition()` is true."""
        async with asyncio.timeout(SECONDS):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def hears(self, kind: type) -> Any:
        """Return the first message of this kind, once it is there."""
        await self.until(lambda: any(isinstance(message, kind) for message in self.heard))
        return next(message for message in self.heard if isinstance(message, kind))

    async def is_sent_away(self) -> str:
        """Return why, once the controller has ended the connection."""
        await self.until(lambda: self.closing is not None)
        return next((message.reason for message in self.heard if isinstance(message, Refused)), "")

    @property
    def is_in(self) -> bool:
        return self.closing is None

    async def leaves(self) -> None:
        """Close the connection."""
        if self.closing is None:
            self.connection.close("enough")
        await asyncio.sleep(0)

    def vanishes(self) -> None:
        """Break the connection off."""
        self.connection.abort("enough")
