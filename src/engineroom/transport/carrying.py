"""Payloads that one engine of a machine receives, and the others map: an engine's side of it.

The engine that carries a payload has it arrive in memory that its neighbours can open, says where that is once all of
it is there, and maps it privately itself. Those that wait map it as well; whoever can't open it takes it as a stream.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from functools import partial
from typing import Any

from engineroom.machine.shared_memory.mapped import MAPPINGS
from engineroom.machine.shared_memory.memfd import NotSharedError, OwnSegment, open_theirs
from engineroom.machine.shared_memory.pool import SHARED
from engineroom.machine.shared_memory.room import total
from engineroom.protocol.flow import given_back
from engineroom.protocol.messages import Borrowed, Credit, Near, Part, Stream
from engineroom.protocol.streams import IncomingStreams, Payload
from engineroom.transport.connection import Connection
from engineroom.transport.idle_memory import IdleMemory
from engineroom.transport.near_payload import NearPayload

Opens = Callable[[Near, int, Callable[[bool], None]], memoryview]
"""As `open_neighbours` does."""


class Carrying:
    """One engine's part in it; for its connection's loop.

    `limit`: bytes that it may have in shared memory. `opens`: returns what a neighbour has carried.
    """

    def __init__(
        self, connection: Connection, incoming: IncomingStreams, limit: int, opens: Opens | None = None
    ) -> None:
        self._connection, self._incoming, self._open = connection, incoming, opens or open_neighbours
        self._loop = asyncio.get_running_loop()
        self._coming: dict[int, NearPayload] = {}
        self._early: dict[int, Near] = {}
        """What was said of streams whose own messages, which came before, have yet to be looked at."""
        self._last = 0
        self._carried: dict[int, OwnSegment] = {}
        """What neighbours may map, by the stream in which it came."""
        SHARED.bound(min(limit, total() // 4))
        self._memory = IdleMemory(self._loop)

    def lend(self, stream: Stream, payload: Payload) -> Stream:
        """Have results travel as they always do."""
        del payload
        return stream

    def receive(self, stream: Stream) -> Payload | None:
        """Return the payload of `stream`, in which this engine has a part; None: it can't have it."""
        self._last = id_ = stream.id
        payload = NearPayload(stream.size, whole=partial(self._whole, id_), refuse=partial(self._refuse, stream))
        if stream.part == Part.CARRY:
            if not self._make_room(payload):
                self._connection.send(Near(id_))
                return None
            self._connection.send(Credit(id_, stream.size))
        self._coming[id_] = payload
        self._incoming.add(id_, payload)
        if (early := self._early.pop(id_, None)) is not None:
            self._loop.call_soon(self.told, early)  # when whoever takes it is done with the message
        return payload

    def told(self, message: Near) -> None:
        """A payload for which this engine waits lies there, or is to be carried by it."""
        payload = self._coming.get(message.stream)
        if payload is None:
            if message.stream > self._last:
                self._early[message.stream] = message
            return
        if payload.error is not None:
            del self._coming[message.stream]
        elif message.pid:
            self._map(message, payload)
        elif self._make_room(payload):
            self._connection.send(Credit(message.stream, payload.size))
        else:
            self._connection.send(Near(message.stream))
            self._take_alone(message.stream, payload)

    def hear(self, message: Borrowed) -> None:
        """No neighbour needs what this engine has carried."""
        for stream in message.returned:
            self._give_back(stream, spoiled=False)
        for stream in message.spoiled:
            self._give_back(stream, spoiled=True)

    def wants_stream(self, stream: int) -> None:
        """Do nothing: results are not shared."""

    def unwanted(self, stream: int) -> None:
        """Do nothing: results are not shared."""

    def close(self) -> None:
        """Nobody will say who maps what was carried."""
        self._coming.clear()
        self._early.clear()
        for stream in tuple(self._carried):
            self._give_back(stream, spoiled=True)
        self._memory.close()

    def _make_room(self, payload: NearPayload) -> bool:
        blank = SHARED.blank(payload.size)
        if blank is not None:
            payload.arrive_in(*blank)
        return blank is not None

    def _take_alone(self, stream: int, payload: NearPayload) -> None:
        try:
            payload.arrive_alone()
        except (MemoryError, OSError):
            payload.refuse_for_want_of_memory()
        else:
            self._connection.send(Credit(stream, payload.size))

    def _map(self, place: Near, payload: NearPayload) -> None:
        """Have what a neighbour has carried; as a stream, if that can't be."""
        try:
            view = self._open(place, payload.size, self._later(self._return, place.stream))
        except (OSError, MemoryError):
            self._take_alone(place.stream, payload)
            return
        payload.lie_in(view, partial(_open, place, payload.size))
        self._memory.sweep_later()
        self._connection.send(Borrowed(held=(place.stream,)))
        self._coming.pop(place.stream)
        self._incoming.whole(place.stream)

    def _return(self, stream: int, spoiled: bool) -> None:  # noqa: FBT001 (it is all that is told)
        self._connection.send(given_back(stream, spoiled=spoiled))

    def _whole(self, stream: int) -> None:
        """Let neighbours have what has come in chunks, if it lies where they can map it."""
        payload = self._coming.pop(stream)
        segment = payload.segment
        if segment is None:
            return
        gone = self._later(_unmapped, segment)
        try:
            view = MAPPINGS.again(segment.device, segment.inode, payload.size, gone)
            if view is None:
                view = MAPPINGS.new(segment.descriptor, gone)
        except (OSError, MemoryError):  # it stays where it is, for this process alone
            self._connection.send(Near(stream))
            return
        SHARED.lend(segment)  # once for this process, and once for all others
        SHARED.lend(segment)
        self._carried[stream] = segment
        payload.lie_in(view[: payload.size], partial(os.dup, segment.descriptor))
        self._connection.send(Near(stream, os.getpid(), segment.descriptor, segment.device, segment.inode))
        self._memory.sweep_later()

    def _later(self, act: Callable[[Any, bool], object], what: object) -> Callable[[bool], None]:
        """Return what has `act(what, spoiled)` called in the loop, from any thread, even from a finalizer."""

        def gone(spoiled: bool) -> None:  # noqa: FBT001
            with contextlib.suppress(RuntimeError):  # the loop is closed, and with it the connection
                self._loop.call_soon_threadsafe(act, what, spoiled)

        return gone

    def _give_back(self, stream: int, *, spoiled: bool) -> None:
        if (segment := self._carried.pop(stream, None)) is not None:
            SHARED.give_back(segment, spoiled=spoiled)
            self._memory.sweep_later()

    def _refuse(self, stream: Stream, reason: str) -> None:
        self._coming.pop(stream.id, None)
        self._connection.refuse_stream(stream, reason)


def _unmapped(segment: OwnSegment, spoiled: bool) -> None:  # noqa: FBT001 (it is all that is told)
    """Note that this process has no use for what it has carried."""
    SHARED.give_back(segment, spoiled=spoiled)


def open_neighbours(place: Near, size: int, gone: Callable[[bool], None]) -> memoryview:
    """Return what a neighbour has carried, private and writable. OSError: it can't be had, or is another user's.

    `gone(spoiled)` is called when nothing looks at it any more.
    """
    view = MAPPINGS.again(place.device, place.inode, size, gone)
    if view is not None:
        return view[:size]
    opened = _open(place, size)
    try:
        if os.fstat(opened).st_uid != os.geteuid():
            raise NotSharedError("it belongs to another user")
        return MAPPINGS.new(opened, gone)[:size]
    finally:
        os.close(opened)


def _open(place: Near, size: int) -> int:
    return open_theirs(place.pid, place.descriptor, device=place.device, inode=place.inode, end=size)
