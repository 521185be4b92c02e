"""Functions on their way in: what is whole goes to the shelf, and the core hears when tasks can be started with it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial

from engineroom.controller.copies.one_copy import Spread
from engineroom.controller.functions import FunctionShelf
from engineroom.controller.links import Link
from engineroom.core.events import Event, FunctionComing, FunctionHere, FunctionLost
from engineroom.ids import Peer
from engineroom.protocol.content_hashes import ContentHash, content_hash
from engineroom.protocol.messages import Function, NeedFunction
from engineroom.protocol.streams import Payload
from engineroom.transport import bodies

_ANOTHER = "it sent a function, or a part of one, whose content does not match its hash"

_AHEAD = 256 << 20
"""So many bytes of functions may be on their way from one client at a time; one function in any case."""


class FunctionIntake:
    """Takes the functions that clients send.

    Several clients may send the same one: the first that is whole counts. A function is here when its parts are. What
    does not match its hash ends its sender's connection: others may name it, and would run that. What lies in shared
    memory is not looked at here: engines check it before they use it.
    """

    def __init__(
        self, shelf: FunctionShelf, feed: Callable[[Peer, Event], None], send_away: Callable[[Peer, str], object]
    ) -> None:
        """`send_away(peer, reason)`: end the connection of a client, if it is still there."""
        self._shelf, self._feed, self._send_away = shelf, feed, send_away
        self._coming: dict[bytes, dict[Peer, Payload]] = {}
        self._incomplete: dict[bytes, Function] = {}
        """Functions that are not here with all their parts."""
        self._turns: dict[Peer, _Turns] = {}

    def take(self, link: Link, message: Function) -> None:
        """A client has announced a function, or a part of one; or it has sent a short one."""
        digest, body = message.hash, message.body
        if not self._may_be(message):
            link.connection.refuse(_ANOTHER)
            return
        if message.stays and digest in self._shelf:
            self._shelf.published(digest, link.identity)
        if isinstance(body, bytes):
            if digest not in self._shelf:
                self._put(link, message, None)
        elif digest in self._shelf or link.peer in self._coming.get(digest, ()):
            link.connection.refuse_stream(body, "this function is here already")
        else:
            self._receive(link, message)
        if message.parts is not None:
            self._look_for_parts(link, message)

    def _put(self, link: Link, message: Function, payload: Payload | None) -> None:
        self._shelf.put(message, payload, link.peer)
        if message.stays:
            self._shelf.published(message.hash, link.identity)

    def _look_for_parts(self, link: Link, message: Function) -> None:
        """Tell that a function is here, or is coming, and ask for those of its parts of which that is not true."""
        digest, missing = message.hash, self._shelf.missing(message)
        if missing:
            self._incomplete[digest] = message
            self._feed(link.peer, FunctionComing(digest))
            for part in missing:
                if link.peer not in self._coming.get(part, ()):
                    link.connection.send(NeedFunction(part))
        else:
            self._is_here(digest)

    def _may_be(self, message: Function) -> bool:
        """Whether a function is what its hash says, as far as can be seen before it has come."""
        if isinstance(message.body, bytes):
            return content_hash([message.body], message.parts) == message.hash
        if message.hash in self._shelf and self._shelf.parts_of(message.hash) != message.parts:
            self.look_at(message.hash)
            return message.hash not in self._shelf
        return True

    def look_at(self, digest: bytes) -> None:
        """Look at what came under this hash. If it is something else, drop it, and its sender: others may have it."""
        sender = self._shelf.is_another(digest)
        if sender is not None:
            self._send_away(sender, _ANOTHER)

    def gone(self, peer: Peer) -> None:
        """A client's connection is gone, and with it what it was sending."""
        self._turns.pop(peer, None)
        for digest in list(self._coming):
            self._coming[digest].pop(peer, None)
            if not self._coming[digest]:
                del self._coming[digest]

    def drop(self, digest: bytes) -> None:
        """No task names this function any more."""
        self._shelf.drop(digest)
        self._incomplete.pop(digest, None)
        self._refuse(digest, "no task needs this function any more")

    def _receive(self, link: Link, message: Function) -> None:
        digest, peer, body = message.hash, link.peer, message.body
        assert not isinstance(body, bytes)

        def whole(payload: Payload) -> None:
            if not matches():
                link.connection.refuse(_ANOTHER)  # `gone` follows
                return
            self._over(peer, digest)
            if digest not in self._shelf:
                self._put(link, message, payload)
            if digest in self._incomplete:  # what others said of its parts may not have been true
                self._incomplete[digest] = message
            self._refuse(digest, "another client has sent this function")
            self._look(digest)

        def broken(reason: str) -> None:
            if link.connection.closed:
                return  # `gone` follows
            self._over(peer, digest)
            self._lost(peer, digest, reason)

        payload = bodies.receive(link.connection, body, whole=whole, broken=broken, assemble=False, accept=False)
        payload.spread = Spread()
        matches = _following(payload, message)
        self._coming.setdefault(digest, {})[peer] = payload
        self._turns.setdefault(peer, _Turns()).add(digest, payload)

    def _over(self, peer: Peer, digest: bytes) -> None:
        """Nothing more comes of this copy."""
        copies = self._coming.get(digest, {})
        copies.pop(peer, None)
        if not copies:
            self._coming.pop(digest, None)
        if (turns := self._turns.get(peer)) is not None and turns.over(digest):
            del self._turns[peer]

    def _refuse(self, digest: bytes, reason: str) -> None:
        for payload in list(self._coming.get(digest, {}).values()):
            payload.refuse(reason)

    def _look(self, arrived: bytes) -> None:
        """Tell of the functions that are here, now that this is."""
        for function in list(self._incomplete.values()):
            if (arrived == function.hash or arrived in (function.parts or ())) and not self._shelf.missing(function):
                self._is_here(function.hash)

    def _is_here(self, digest: bytes) -> None:
        self._incomplete.pop(digest, None)
        self._feed(Peer(0), FunctionHere(digest, self._shelf.size_of(digest)))

    def _lost(self, peer: Peer, digest: bytes, reason: str) -> None:
        """Tell of the functions that this would have been a part of."""
        if digest in self._shelf or digest in self._coming:
            return
        for function in list(self._incomplete.values()):
            if digest == function.hash or digest in (function.parts or ()):
                self._feed(
                    peer,
                    FunctionLost(function.hash, f"the controller could not take the function of this task: {reason}"),
                )


def _following(payload: Payload, message: Function) -> Callable[[], bool]:
    """Return what says, once all of `payload` is here, whether it has the hash of `message`, as far as is looked at."""
    if payload.unseen:
        return lambda: True
    content = ContentHash(message.parts)
    payload.watch(partial(content.follow, payload))

    def matches() -> bool:
        content.follow(payload)
        return content.digest() == message.hash

    return matches


class _Turns:
    """What one client has announced: one function after the other comes, as many at a time as `_AHEAD` allows."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[bytes, Payload]] = deque()
        self._accepted: dict[bytes, int] = {}

    def add(self, digest: bytes, payload: Payload) -> None:
        self._waiting.append((digest, payload))
        self._go_on()

    def over(self, digest: bytes) -> bool:
        """One of them has come, or will not; True: there are no others."""
        if self._accepted.pop(digest, None) is None:
            self._waiting = deque(item for item in self._waiting if item[0] != digest)
        self._go_on()
        return not (self._waiting or self._accepted)

    def _go_on(self) -> None:
        while self._waiting:
            digest, payload = self._waiting[0]
            if self._accepted and sum(self._accepted.values()) + payload.size > _AHEAD:
                return
            self._waiting.popleft()
            self._accepted[digest] = payload.size
            payload.accept()
