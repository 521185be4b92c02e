"""Functions, and the large parts of them, by content hash: held for unfinished tasks, sent once to each engine."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from engineroom.core.published import PublishedValues
from engineroom.ids import Peer
from engineroom.protocol.content_hashes import content_hash
from engineroom.protocol.messages import Function
from engineroom.protocol.streams import Payload

UNKNOWN = Peer(0)

_MOST_LOOSE = 256
"""So many parts are held before a function is there that they belong to."""


class FunctionShelf:
    """The functions that this controller holds, all of them whole, and which engines have been sent them.

    Long ones hold at most `max_bytes`: beyond that the one that was not sent for longest is dropped, and asked for
    again when an engine needs it. The latest is held in any case.
    """

    def __init__(self, max_bytes: int = 512 << 20) -> None:
        self._functions: dict[bytes, tuple[Function, Payload | None]] = {}
        self._long: OrderedDict[bytes, int] = OrderedDict()
        self._bytes, self._max_bytes = 0, max_bytes
        self._sent: dict[Peer, set[bytes]] = {}
        self._users: dict[bytes, set[bytes]] = {}
        """The functions that a part belongs to."""
        self._parts: dict[bytes, Sequence[bytes]] = {}
        """The parts of each function, until it is dropped."""
        self._loose: OrderedDict[bytes, None] = OrderedDict()
        """Parts that belong to no function."""
        self.values = PublishedValues()
        """Parts that engines keep until they are released."""
        self._senders: dict[bytes, Peer] = {}
        """Who has sent what nobody here has looked at."""

    def __contains__(self, digest: object) -> bool:
        return digest in self._functions

    def put(self, function: Function, body: Payload | None, sender: Peer = UNKNOWN) -> None:
        """Hold a function that `sender` has sent; `body`: its bytes where they are too long for the message."""
        self._forget(function.hash)
        self._functions[function.hash] = (function, body)
        if body is not None and body.unseen:
            self._senders[function.hash] = sender
        if function.parts:
            self._parts[function.hash] = function.parts
            for part in function.parts:
                self._users.setdefault(part, set()).add(function.hash)
                self._loose.pop(part, None)
        elif function.parts is None and function.hash not in self._users:
            self._is_loose(function.hash)
        if body is None:
            return
        self._long[function.hash] = body.size
        self._bytes += body.size
        while self._bytes > self._max_bytes and len(self._long) > 1:
            self._forget(next(iter(self._long)))

    def get(self, digest: bytes) -> tuple[Function, Payload | None] | None:
        """Return a function, or a part of one, and its bytes where they are too long for its message."""
        return self._functions.get(digest)

    def size_of(self, digest: bytes) -> int:
        """Return the bytes of a function that is here, and of its parts."""
        function, _ = self._functions[digest]
        if digest in self.values:
            return 0  # it does not go with the functions that name it
        own = len(function.body) if isinstance(function.body, bytes) else function.body.size
        return own + sum(self.size_of(part) for part in function.parts or () if part in self._functions)

    def parts_of(self, digest: bytes) -> Sequence[bytes] | None:
        """Return which parts a function has that is here; None: it is a part itself."""
        return self._functions[digest][0].parts

    def missing(self, function: Function) -> set[bytes]:
        """Return what is not here of a function and its parts."""
        return {digest for digest in (function.hash, *(function.parts or ())) if digest not in self._functions}

    def to_send(self, engine: Peer, digest: bytes) -> tuple[Function, Payload | None] | None:
        """Return the function if `engine` has not been sent it yet, and count it as sent."""
        sent = self._sent.get(engine)
        if sent is not None and digest in sent:
            return None
        held = self._functions.get(digest)
        if held is not None:
            self._sent.setdefault(engine, set()).add(digest)
            if digest in self._long:
                self._long.move_to_end(digest)
        return held

    def is_another(self, digest: bytes) -> Peer | None:
        """Look at what is here. If it does not match its hash, drop it, and return who has sent it, UNKNOWN if that is
        not known."""
        function, body = self._functions.get(digest, (None, None))
        if function is None or body is None or content_hash(body.pieces, function.parts) == digest:
            return None
        sender = self._senders.get(digest, UNKNOWN)
        self._forget(digest)
        return sender

    def forgotten_by(self, engine: Peer, digest: bytes) -> None:
        """The engine says that it has dropped this function."""
        self._sent.get(engine, set()).discard(digest)

    def engine_gone(self, engine: Peer) -> None:
        self._sent.pop(engine, None)

    def drop(self, digest: bytes) -> None:
        """No unfinished task names this function any more: it goes, and the parts that no other has."""
        self._forget(digest)
        for part in self._parts.pop(digest, ()):
            users = self._users.get(part, set())
            users.discard(digest)
            if not users:
                self._users.pop(part, None)
                if part in self.values and part in self._functions:
                    self._is_loose(part)
                else:
                    self._forget(part)

    def _is_loose(self, part: bytes) -> None:
        self._loose[part] = None
        if len(self._loose) > _MOST_LOOSE:
            self._forget(next(iter(self._loose)))

    def published(self, digest: bytes, session: bytes) -> None:
        """`session` has published this part."""
        self.values.published(digest, session)

    def released(self, digest: bytes, session: bytes) -> bool:
        """`session` has released this part; return whether engines are to let go of it: nobody else has published it.

        An engine may have got it from an earlier controller, or over an earlier connection: then it is not known here.
        """
        over = self.values.released(digest, session)
        if over:
            self.over(digest)
        return over

    def over(self, digest: bytes) -> None:
        """Nobody needs this part any more."""
        self._forget(digest)
        for sent in self._sent.values():
            sent.discard(digest)

    def held(self, engine: Peer, digests: Sequence[bytes], *, known: bool) -> list[bytes]:
        """An engine has come back, and has these parts; return those that it is to let go. See `PublishedValues`."""
        self._sent.setdefault(engine, set()).update(digest for digest in digests if digest in self.values)
        return self.values.held(digests, known=known)

    def _forget(self, digest: bytes) -> None:
        self._functions.pop(digest, None)
        self._senders.pop(digest, None)
        self._loose.pop(digest, None)
        self._bytes -= self._long.pop(digest, 0)
