"""Functions by content hash: held while an unfinished task names them, sent once to each engine."""

from __future__ import annotations

from engineroom.ids import Peer
from engineroom.protocol.messages import Function
from engineroom.protocol.streams import Payload

_KEEP_IDLE_BYTES = 64 * 1024 * 1024


class FunctionShelf:
    """The functions that this controller holds, and which engines have been sent them.

    Functions that no task names any more are kept, oldest dropped first, within 64 MiB.
    """

    def __init__(self) -> None:
        self._functions: dict[bytes, tuple[Function, Payload | None]] = {}
        self._idle: dict[bytes, int] = {}
        self._idle_bytes = 0
        self._sent: dict[Peer, set[bytes]] = {}

    def put(self, function: Function, body: Payload | None) -> None:
        """Hold a function; `body`: its bytes where they are too long for the message."""
        self._functions[function.hash] = (function, body)
        self.let_go(function.hash)

    def get(self, digest: bytes) -> tuple[Function, Payload | None] | None:
        return self._functions.get(digest)

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

    def hold(self, digest: bytes) -> None:
        """A task names this function now."""
        self._idle_bytes -= self._idle.pop(digest, 0)

    def let_go(self, digest: bytes) -> None:
        """No unfinished task names this function any more."""
        held = self._functions.get(digest)
        if held is None or digest in self._idle:
            return
        size = len(held[0].payload) + held[0].size
        self._idle[digest] = size
        self._idle_bytes += size
        while self._idle_bytes > _KEEP_IDLE_BYTES and len(self._idle) > 1:
            oldest = next(iter(self._idle))
            self._idle_bytes -= self._idle.pop(oldest)
            del self._functions[oldest]
