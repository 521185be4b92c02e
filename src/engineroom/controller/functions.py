"""Functions by content hash: held while an unfinished task names them, sent once to each engine."""

from __future__ import annotations

from engineroom.ids import Peer
from engineroom.protocol.messages import Function
from engineroom.protocol.streams import Payload


class FunctionShelf:
    """The functions that this controller holds, and which engines have been sent them."""

    def __init__(self) -> None:
        self._functions: dict[bytes, tuple[Function, Payload | None]] = {}
        self._sent: dict[Peer, set[bytes]] = {}

    def put(self, function: Function, body: Payload | None) -> None:
        """Hold a function; `body`: its bytes where they are too long for the message."""
        self._functions[function.hash] = (function, body)

    def look_at(self, digest: bytes, body: Payload) -> None:
        """`body` has grown or failed: a function that will never be whole is not held."""
        held = self._functions.get(digest)
        if body.error is not None and held is not None and held[1] is body:
            del self._functions[digest]

    def to_send(self, engine: Peer, digest: bytes) -> tuple[Function, Payload | None] | None:
        """Return the function if `engine` has not been sent it yet, and count it as sent."""
        sent = self._sent.setdefault(engine, set())
        if digest in sent:
            return None
        held = self._functions.get(digest)
        if held is not None:
            sent.add(digest)
        return held

    def forgotten_by(self, engine: Peer, digest: bytes) -> None:
        """The engine says that it has dropped this function."""
        self._sent.get(engine, set()).discard(digest)

    def engine_gone(self, engine: Peer) -> None:
        self._sent.pop(engine, None)

    def drop(self, digest: bytes) -> None:
        """No unfinished task names this function any more."""
        self._functions.pop(digest, None)
