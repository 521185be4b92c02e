"""What is too long for a message, and functions: taken from peers, passed on to peers, never opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from engineroom.controller.functions import FunctionShelf
from engineroom.controller.links import Link
from engineroom.core.events import BodyLost, Large
from engineroom.ids import Peer
from engineroom.protocol.messages import Finished, Function, NeedFunction, Submit
from engineroom.protocol.streams import Payload
from engineroom.transport import bodies

if TYPE_CHECKING:
    from engineroom.controller.shell import Controller


class Bodies:
    """Takes tasks, results and functions whose bytes come in streams, and sends such."""

    def __init__(self, controller: Controller) -> None:
        self._feed = controller.feed
        self._links = controller.links
        self.functions = FunctionShelf()
        self._wanted: dict[bytes, set[Peer]] = {}

    def take_submit(self, link: Link, message: Submit) -> None:
        body = message.call.body
        if isinstance(body, bytes):
            self._feed(link.peer, message)
            return

        def broken(_: str) -> None:
            self._feed(link.peer, BodyLost(message, payload))

        # Large payloads are pulled when an engine is about to take them.
        payload = bodies.receive(link.connection, body, broken=broken, assemble=False, accept=False)
        self._feed(link.peer, Large(message, payload))

    def drop(self, body: object) -> None:
        """Tell whoever sends this that nobody wants it."""
        assert isinstance(body, Payload)
        body.refuse("this task has arrived before")

    def take_finished(self, link: Link, message: Finished) -> None:
        if link.clock_offset:
            started = max(0.0, message.outcome.started + link.clock_offset)
            message = msgspec.structs.replace(
                message, outcome=msgspec.structs.replace(message.outcome, started=started)
            )
        body = message.body
        if isinstance(body, bytes):
            self._feed(link.peer, message)
            return

        def whole(payload: Payload) -> None:
            # Only a whole result counts: an engine that dies while it sends has not finished.
            self._feed(link.peer, Large(message, payload))

        bodies.receive(link.connection, body, whole=whole, assemble=False)

    def take_function(self, link: Link, message: Function) -> None:
        self.functions.put(message, self._receive_function(link, message))
        for peer in self._wanted.pop(message.hash, ()):
            engine = self._links.by_peer.get(peer)
            if engine is not None and (function := self.functions.to_send(peer, message.hash)) is not None:
                self.send_function(engine, *function)

    def _receive_function(self, link: Link, message: Function) -> Payload | None:
        if isinstance(message.body, bytes):
            return None

        def broken(_: str) -> None:
            self.functions.lost(message.hash, payload)

        payload = bodies.receive(link.connection, message.body, broken=broken, assemble=False)
        return payload

    def need_function(self, link: Link, digest: bytes) -> None:
        """An engine has dropped a function that it needs again."""
        self.functions.forgotten_by(link.peer, digest)
        function = self.functions.to_send(link.peer, digest)
        if function is not None:
            self.send_function(link, *function)
            return
        asked = digest in self._wanted
        self._wanted.setdefault(digest, set()).add(link.peer)
        for client in () if asked else self._links.with_role("client"):
            client.connection.send(NeedFunction(digest))

    def ask_again(self, client: Link) -> None:
        """A client has come: perhaps it was the one that was cut off while it sent functions that are wanted."""
        for digest in self._wanted:
            client.connection.send(NeedFunction(digest))

    def send_long(self, link: Link, message: Any, body: object) -> None:
        """Send a message, and its bytes in a stream."""
        assert isinstance(body, Payload)
        bodies.send(link.connection, message, body)
        body.accept()

    def send_function(self, link: Link, function: Function, body: Payload | None) -> None:
        if body is None:
            link.connection.send(function)
        else:
            self.send_long(link, function, body)
