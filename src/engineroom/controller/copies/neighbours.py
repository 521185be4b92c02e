"""Engines of one machine that is not the controller's: what they say of payloads that one receives for the others."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from engineroom.controller.copies.one_copy import Action, Carry, OneCopy, Place, Release, Spread, Tell
from engineroom.controller.copies.patience import Patience, Watch
from engineroom.controller.links import Link
from engineroom.ids import INSTANCE_BYTES
from engineroom.machine.shared_memory.pool import LEAST
from engineroom.protocol.flow import given_back
from engineroom.protocol.messages import Borrowed, Near, Part, Stream
from engineroom.protocol.streams import OutgoingStreams, Payload
from engineroom.transport.sockets import all_received

_SOON = 1.0
"""Seconds for which the memory of a payload is kept for engines that are to come."""

_USUAL = Patience()

Machine = tuple[str, str, str]


class Copies:
    """The engines of each machine, and what they are to do."""

    def __init__(self, patience: Patience = _USUAL) -> None:
        self.patience = patience
        self._machines: dict[Machine, dict[bytes, Neighbour]] = {}

    def join(self, link: Link) -> None:
        """Have `link`, an engine that can share memory with those of its machine, do so."""
        link.connection.share_with_neighbours(lambda outgoing, _: self._joined(Neighbour(self, link, outgoing)))

    def _joined(self, near: Neighbour) -> Neighbour:
        self._machines.setdefault(near.machine, {})[near.link.identity] = near
        return near

    def leave(self, near: Neighbour) -> None:
        """Count on `near` no more: its connection is closed."""
        neighbours = self._machines.get(near.machine, {})
        if neighbours.get(near.link.identity) is near:
            del neighbours[near.link.identity]
        if not neighbours:
            self._machines.pop(near.machine, None)

    def copy_for(self, spread: Spread, machine: Machine) -> OneCopy | None:
        """Return the copy that the engines of a machine share; None: only one of them needs it."""
        copy = spread.copies.get(machine)
        if copy is None:
            neighbours, to = self._machines.get(machine, {}), spread.to
            named = {to[at : at + INSTANCE_BYTES] for at in range(0, len(to), INSTANCE_BYTES)}
            expected = len(named & neighbours.keys()) if to else len(neighbours)
            if expected < 2:  # it takes two to share
                return None
            copy = spread.copies[machine] = OneCopy(expected)
        return copy

    def perform(self, copy: OneCopy, actions: Sequence[Action], patience: Patience | None = None) -> None:
        """Say what the table has to say. `patience`: with the next carrier, None: as with the first."""
        for action in actions:
            assert isinstance(action.member, tuple)
            near, stream = action.member
            match action:
                case Tell(place=place):
                    near.link.connection.send(Near(stream, *place))
                case Carry():
                    near.link.connection.send(Near(stream))
                    near.watch(copy, stream, patience or self.patience)
                case Release(spoiled=spoiled):
                    near.release(stream, spoiled=spoiled)
        if copy.is_idle:
            asyncio.get_running_loop().call_later(_SOON, self._keep_no_longer, copy)

    def _keep_no_longer(self, copy: OneCopy) -> None:
        if copy.is_idle:
            self.perform(copy, copy.expect_no_more())


class Neighbour:
    """One engine's part in it: the `near` of its connection at the controller."""

    def __init__(self, copies: Copies, link: Link, outgoing: OutgoingStreams) -> None:
        self.link, self.machine = link, (link.info.host, link.info.boot_id, link.info.pid_namespace)
        self._copies, self._outgoing = copies, outgoing
        self._of: dict[int, OneCopy] = {}
        self._gets_nowhere = False
        """It was to carry, got nothing for too long, and has said nothing since."""
        self._loop = asyncio.get_running_loop()

    def lend(self, stream: Stream, payload: Payload) -> Stream:
        """Return `stream`, which was opened for `payload`, with the engine's part in it."""
        spread = payload.spread
        if not isinstance(spread, Spread) or payload.size < LEAST:
            return stream
        copy = self._copies.copy_for(spread, self.machine)
        if copy is None:
            return stream
        if self._gets_nowhere:  # nobody is to wait for it, and it for nobody
            self._copies.perform(copy, copy.do_without())
            return stream
        self._of[stream.id] = copy
        part, actions = copy.join((self, stream.id))
        if actions:  # behind the message that names the stream
            self._loop.call_soon(self._copies.perform, copy, actions)
        if part is Part.CARRY:
            self.watch(copy, stream.id, self._copies.patience)
        return Stream(stream.id, stream.size, part)

    def watch(self, copy: OneCopy, stream: int, patience: Patience) -> None:
        """Have another engine carry what this one does not get in that time, nor a part of it."""
        watch = Watch(patience, self._outgoing.progress(stream), self._loop.time())
        self._loop.call_later(patience.look, self._look, copy, stream, watch)

    def _look(self, copy: OneCopy, stream: int, watch: Watch) -> None:
        if copy.carrier != (self, stream) or not copy.is_awaited:
            return
        progress, received = self._outgoing.progress(stream), self._received_all()
        if watch.gets_nowhere(progress, self._loop.time(), received=received):  # its process is busy, or stopped
            self._gets_nowhere = True
            self._copies.perform(copy, copy.pass_on(), watch.patience.more())
        else:
            self._loop.call_later(watch.patience.look, self._look, copy, stream, watch)

    def _received_all(self) -> bool:
        """Whether the engine's machine has all that was written; of what goes through ssh nobody knows."""
        return not self.link.tunnel and all_received(self.link.connection.transport)

    def receive(self, stream: Stream) -> Payload | None:
        """Take nothing in this way: engines send results as they always do."""
        del stream
        return None

    def told(self, message: Near) -> None:
        """The engine says where a payload lies that it has carried, or (pid 0) that it can't carry it."""
        self._gets_nowhere = False
        stream = message.stream
        copy = self._of.get(stream)
        if message.pid == 0:
            self.unwanted(stream)
        elif copy is None:
            self.release(stream, spoiled=False)
        else:
            place = Place(message.pid, message.descriptor, message.device, message.inode)
            self._copies.perform(copy, copy.placed((self, stream), place))

    def hear(self, message: Borrowed) -> None:
        """The engine says what it has of its carrier's memory."""
        for stream in message.held:
            if stream in self._of:
                self._outgoing.cancel(stream)
        for stream in message.returned:
            self._leave(stream, spoiled=False)
        for stream in message.spoiled:
            self._leave(stream, spoiled=True)

    def wants_stream(self, stream: int) -> None:
        """The engine gives credit: it carries, or it can't open the carrier's memory."""
        self._gets_nowhere = False
        copy = self._of.get(stream)
        if copy is not None and copy.carrier != (self, stream):
            self._leave(stream, spoiled=False)

    def unwanted(self, stream: int) -> None:
        """No more of `stream` is wanted, or can be had."""
        self._leave(stream, spoiled=False)

    def release(self, stream: int, *, spoiled: bool) -> None:
        """Nobody needs what this engine has carried."""
        self._of.pop(stream, None)
        self.link.connection.send(given_back(stream, spoiled=spoiled))

    def close(self) -> None:
        """The connection is gone: nobody will say what becomes of what the engine maps."""
        self._copies.leave(self)
        for stream in tuple(self._of):
            self._leave(stream, spoiled=True)

    def _leave(self, stream: int, *, spoiled: bool) -> None:
        if (copy := self._of.pop(stream, None)) is not None:
            self._copies.perform(copy, copy.leave((self, stream), spoiled=spoiled))
