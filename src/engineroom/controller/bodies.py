"""What is too long for a message, and functions: taken from peers, passed on to peers, never opened."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import msgspec

from engineroom.controller.copies.one_copy import Spread
from engineroom.controller.function_intake import FunctionIntake
from engineroom.controller.functions import FunctionShelf
from engineroom.controller.links import Link
from engineroom.core.actions import Accept, Action, DropBody, DropFunction, DropSession
from engineroom.core.events import (
    BodyHere,
    BodyLost,
    Event,
    FunctionHere,
    FunctionMissing,
    KeptHere,
    KeptLost,
    Large,
    ResultAnnounced,
)
from engineroom.ids import INSTANCE_BYTES, Peer
from engineroom.machine.shared_memory.room import share
from engineroom.protocol.messages import Answer, Finished, Function, Keep, NeedFunction, Released, Status, Submit
from engineroom.protocol.streams import Payload
from engineroom.transport import bodies
from engineroom.transport.thrift import Thrift

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engineroom.controller.copies.neighbours import Copies
    from engineroom.controller.recording.recorder import Recorder
    from engineroom.controller.shell import Controller

_MOST_ASKED = 10_000
_FUNCTION_BYTES = 512 << 20


class Bodies:
    """Takes tasks, results and functions whose bytes come in streams, and sends such."""

    def __init__(self, controller: Controller) -> None:
        self._feed, self._links, self._state = controller.feed, controller.links, controller.state
        sessions = controller.state.sessions
        self.thrift = Thrift(lambda: sum(session.kept_bytes for session in sessions.values()), tune=True)
        self._copies: Copies | None = None
        self.functions = FunctionShelf(share(_FUNCTION_BYTES))
        self.intake = FunctionIntake(self.functions, self._feed_function, self._send_away)
        self._asked: OrderedDict[tuple[bytes, Peer, bytes], None] = OrderedDict()
        """What engines lack of functions whose clients may have yet to come back: function, engine, what is lacking."""
        self._waits_for_claims = False
        self._recorded: Callable[[], object] = tuple
        self._dropping: Callable[[bytes], object] = bytes

    def record_for(self, recorder: Recorder) -> None:
        """Have `recorder` told of what comes here."""
        self._recorded, self._dropping = recorder.take, recorder.function_dropped

    def join_neighbours(self, link: Link) -> None:
        """Have `link`, an engine of another machine, share what is long with the other engines there."""
        if self._copies is None:
            from engineroom.controller.copies.neighbours import Copies  # only with such engines

            self._copies = Copies()
        self._copies.join(link)

    def take_submit(self, link: Link, message: Submit) -> None:
        body = message.call.body
        if isinstance(body, bytes):
            self._feed(link.peer, message)
            return

        def whole(payload: Payload) -> None:
            self._feed(link.peer, BodyHere(message.task, payload))

        def broken(reason: str) -> None:
            if not link.connection.closed:  # else the core hears of all that at once
                words = f"the controller could not take the arguments of this task: {reason}"
                self._feed(link.peer, BodyLost(message.task, payload, words))

        # Large payloads are pulled when the turn of their tasks is near.
        payload = bodies.receive(link.connection, body, whole=whole, broken=broken, assemble=False, accept=False)
        if message.to is not None and len(message.to) > INSTANCE_BYTES:
            payload.spread = Spread(message.to)
        self._feed(link.peer, Large(message, payload))

    def take_for_later(self, link: Link, message: Function | Keep | Released) -> None:
        """Take what is no task: a function, or a call that is kept for engines that come later."""
        if isinstance(message, Function):
            self.intake.take(link, message)
            return
        if isinstance(message, Released):
            self.release(message.hash, link.identity)
            return
        body = message.call.body
        if isinstance(body, bytes):
            self._feed(link.peer, message)
            return

        def whole(payload: Payload) -> None:
            self._feed(link.peer, KeptHere(message.kept, payload))

        def broken(reason: str) -> None:
            del reason  # it is sent again when its client is back
            self._feed(link.peer, KeptLost(message.kept, payload))

        payload = bodies.receive(link.connection, body, whole=whole, broken=broken, assemble=False, accept=False)
        payload.spread = Spread()
        if payload.error is not None:
            link.connection.send(Answer(message.number, error=payload.error))
        else:
            self._feed(link.peer, Large(message, payload))

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
            self._recorded()

        def broken(reason: str) -> None:
            if not link.connection.closed:
                words = f"the controller could not take the result of this task: {reason}"
                ended = msgspec.structs.replace(message.outcome, status=Status.LOST, error=words)
                self._feed(link.peer, msgspec.structs.replace(message, outcome=ended, body=b""))

        payload = bodies.receive(link.connection, body, whole=whole, broken=broken, assemble=False, accept=False)
        payload.spread = Spread()  # it may be an argument of tasks
        self._feed(link.peer, ResultAnnounced(message, payload))

    def need_function(self, link: Link, message: NeedFunction) -> None:
        """An engine has dropped a function that it needs again, or a part of it; or it has got something else."""
        if message.wrong:
            self.intake.look_at(message.hash)
        self.functions.forgotten_by(link.peer, message.hash)
        function = self.functions.to_send(link.peer, message.hash)
        if function is not None:
            self.send_function(link, *function)
            return
        name = message.of or message.hash
        if self._state.first_attempt:  # what the engine has may be a claim, of which nothing else is known
            self._asked[name, link.peer, message.hash] = None
            if len(self._asked) > _MOST_ASKED:
                self._asked.popitem(last=False)
        self._feed(link.peer, FunctionMissing(name))

    def _send_away(self, peer: Peer, reason: str) -> None:
        if (link := self._links.by_peer.get(peer)) is not None:
            link.connection.refuse(reason)

    def _feed_function(self, peer: Peer, event: Event) -> None:
        """Tell the core of a function; engines that have asked for it in vain get it now."""
        self._feed(peer, event)
        if self._asked and type(event) is FunctionHere:
            for asked in [asked for asked in self._asked if asked[0] == event.hash]:
                del self._asked[asked]
                link = self._links.by_peer.get(asked[1])
                function = None if link is None else self.functions.to_send(*asked[1:])
                if link is not None and function is not None:
                    self.send_function(link, *function)

    def perform(self, action: Action) -> None:
        """Do what the core wants of bytes that are held, or on their way."""
        if isinstance(action, Accept | DropBody):
            assert isinstance(action.body, Payload)
            if isinstance(action, Accept):
                action.body.accept()
            else:
                action.body.refuse("its tasks have ended, or this has arrived before")
        elif isinstance(action, DropFunction):
            self._dropping(action.hash)
            self.intake.drop(action.hash)
        elif isinstance(action, DropSession):
            for digest in self.functions.values.of(action.session):
                self.release(digest, action.session)

    def take_published(self, link: Link, digests: Sequence[bytes], *, known: bool) -> None:
        """An engine has come back and holds these published values; `known`: it had spoken to this controller."""
        for digest in self.functions.held(link.peer, digests, known=known):
            link.connection.send(Released(digest))
        if self.functions.values.unclaimed and not self._waits_for_claims:
            self._waits_for_claims = True
            self._wait_for_claims()

    def _wait_for_claims(self) -> None:
        asyncio.get_running_loop().call_later(self._state.limits.linger, self._look_for_claims)

    def _look_for_claims(self) -> None:
        """Let go of what clients of earlier controllers had published, unless one may come back for a task."""
        if any(session.tasks for session in self._state.gone.values()):
            self._wait_for_claims()
            return
        self._waits_for_claims = False
        for digest in self.functions.values.nobody_returns():
            self.functions.over(digest)
            self._tell_engines(digest)

    def release(self, digest: bytes, session: bytes) -> None:
        """Let go of a published value, here and on engines, unless others have published it, too."""
        if self.functions.released(digest, session):
            self._tell_engines(digest)

    def _tell_engines(self, digest: bytes) -> None:
        for link in self._links.engines.values():
            link.connection.send(Released(digest))

    def send_long(self, link: Link, message: Any, body: object) -> None:
        """Send a message, and its bytes in a stream."""
        assert isinstance(body, Payload)
        bodies.send(link.connection, message, body)

    def send_function(self, link: Link, function: Function, body: Payload | None) -> None:
        if body is None:
            link.connection.send(function)
        else:
            self.send_long(link, function, body)
