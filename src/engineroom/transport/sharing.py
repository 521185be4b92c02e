"""Payloads in shared memory, between two processes of one machine: what was lent, what was borrowed, what went back.

To the connection such a payload is a stream of which nothing comes: if its receiver can't open the memory it gives
credit, and the bytes come as they would have come without.
"""

from __future__ import annotations

import asyncio
import functools
import os
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Literal

from engineroom.machine import open_files
from engineroom.machine.shared_memory.mapped import MAPPINGS
from engineroom.machine.shared_memory.memfd import OwnSegment, open_theirs
from engineroom.machine.shared_memory.pool import SHARED
from engineroom.protocol.messages import Borrowed, Near, Shared, Stream
from engineroom.protocol.ranges import MOST_LISTED
from engineroom.protocol.streams import IncomingStreams, OutgoingStreams, Payload
from engineroom.protocol.texts import brief
from engineroom.transport.borrowed import HeldPayload, MappedPayload
from engineroom.transport.idle_memory import IdleMemory
from engineroom.transport.idle_payloads import IdlePayloads

_MOST_OPEN = 10_000

_SOON = 0.005
"""Seconds that news of a payload waits for others, or for any message that it can go with..."""

_LOOKS = 4
"""... and so often in a row there may be none until nobody looks for them any more."""

_LARGE = 4 << 20
"""Of payloads longer than this the far end hears at once: much more memory would be needed meanwhile."""

_TROUBLE = 0
"""No stream's number: stands for the trouble in what is to be said."""

_News = bool | None | Literal["dropped"]

_PATIENCE = 3
"""So many payloads in a row may be wanted as streams; then nothing more is lent."""


@functools.cache
def _most_files() -> int:
    """Return how many payloads of others this process may have open."""
    return open_files.share(4, _MOST_OPEN)


class Sharing:
    """One connection's share in it; for its loop, but for `give_back`.

    `pid`: the process at the far end. `limit`: bytes that it may have of us at a time. `write_soon()`: write what is
    to be said, at the end of this tick. `others`: to whom that is passed on which all of this machine are to know.
    `trouble`: why something long goes, or comes, as a stream.
    """

    def __init__(
        self,
        pid: int,
        limit: int,
        outgoing: OutgoingStreams,
        incoming: IncomingStreams,
        write_soon: Callable[[], None],
        others: set[Sharing] | None = None,
    ) -> None:
        self._pid, self._limit = pid, limit
        self._outgoing, self._incoming, self._write_soon = outgoing, incoming, write_soon
        self._loop = asyncio.get_running_loop()
        self._lent: dict[int, tuple[OwnSegment | HeldPayload, int]] = {}
        self._lent_bytes = 0
        self._wanted_as_streams = 0
        self._idle = IdlePayloads(self._loop, limit // 4)
        self._closed = False
        self.due: deque[tuple[int, _News]] = deque()
        """What is to be said of borrowed payloads: gone, and whether it is spoiled; None: held; and what is dropped."""
        self._waking = False
        self._looks = 0
        """How often one will look, from now on, whether there is something to say."""
        self.trouble = self.far_trouble = ""
        self._memory = IdleMemory(self._loop)
        self._others = others
        if others is not None:
            others.add(self)
        SHARED.dropping.add(self.drop)

    def lend(self, stream: Stream, payload: Payload) -> Stream | Shared:
        """Return where the far end finds `payload`, for which `stream` is open; the stream itself, if nowhere."""
        place = payload if isinstance(payload, HeldPayload) else SHARED.segment_of(payload.pieces)
        if place is None or place.descriptor < 0 or self._wanted_as_streams >= _PATIENCE:
            if stream.size >= SHARED.least and SHARED.trouble:
                self._note(SHARED.trouble)
            return stream
        if self._lent_bytes + stream.size > self._limit and self._lent:
            self._note(
                f"{self._lent_bytes:,} bytes of shared memory are still in use at the other end, and it is limited to "
                f"{self._limit:,} bytes (IPController.max_shared_bytes)"
            )
            return stream
        if self.trouble:
            self._note("")
        if isinstance(place, OwnSegment):
            SHARED.lend(place)
            self._memory.sweep_later()
            offset, scarce = 0, SHARED.scarce
        else:
            place.lent += 1
            offset, scarce = place.offset, place.scarce
        self._lent[stream.id] = place, stream.size
        self._lent_bytes += stream.size
        return Shared(stream.id, stream.size, place.descriptor, offset, place.device, place.inode, scarce)

    def _note(self, trouble: str) -> None:
        """Have both sides know why something goes over the connection; "": nothing does."""
        if trouble != self.trouble:
            self.trouble = trouble
            self.due.append((_TROUBLE, None))
            self._write_soon()

    def hear(self, message: Borrowed) -> None:
        """The far end says what has become of what it was lent."""
        if message.trouble is not None:
            self.far_trouble = message.trouble
        for stream in message.held:
            if stream in self._lent:
                self._wanted_as_streams = 0
                self._outgoing.held(stream)
        if message.returned or message.spoiled:
            self._wanted_as_streams = 0
        for streams, spoiled in ((message.returned, False), (message.spoiled, True)):
            for stream in streams:
                self.returned(stream, spoiled=spoiled)
        if message.dropped:
            self._let_go(message.dropped)

    def _let_go(self, inodes: tuple[int, ...]) -> None:
        """Keep no mapping of memory that its owner, at the far end, has given back; nor may others."""
        MAPPINGS.kept.drop(frozenset(inodes))
        for other in self._others or ():
            if other is not self:
                other.drop(*inodes)

    def told(self, message: Near) -> None:
        """Do nothing: this is of engines that share with others than their far end."""

    def unwanted(self, stream: int) -> None:
        """The far end wants no more of a payload."""
        self.returned(stream, spoiled=False)

    def returned(self, stream: int, *, spoiled: bool) -> None:
        """The far end has no use for a payload any more."""
        place, size = self._lent.pop(stream, (None, 0))
        if place is None:
            return
        self._lent_bytes -= size
        self._outgoing.cancel(stream)
        self._take_back(place, spoiled=spoiled)

    def wants_stream(self, stream: int) -> None:
        """The far end gives credit: it can't have this payload in shared memory."""
        place, size = self._lent.pop(stream, (None, 0))
        if place is None:
            return
        self._lent_bytes -= size
        self._wanted_as_streams += 1
        self._note("the other end can't have this process's shared memory")
        self._take_back(place, spoiled=False)

    def _take_back(self, place: OwnSegment | HeldPayload, *, spoiled: bool) -> None:
        if isinstance(place, OwnSegment):
            SHARED.give_back(place, spoiled=spoiled)
            return
        place.lent -= 1
        place.spoiled = place.spoiled or spoiled
        if place.may_be_kept and not self._closed:
            place.idle.add(place)

    def borrow(self, body: Shared, *, assemble: bool) -> Payload | None:
        """Return the payload that `body` names, which has not arrived yet; None: it must come as a stream."""
        if (MAPPINGS.looked_at if assemble else HeldPayload.count) >= _most_files():
            self._note("there are too many open files for more shared memory (ulimit -n)")
            return None
        try:
            payload = self._mapped(body) if assemble else self._held(body, self._opened(body))
        except (OSError, MemoryError) as error:
            self._note(f"the shared memory of process {self._pid} can't be used: {error}")
            return None
        self._incoming.add(body.id, payload)
        return payload

    def _opened(self, body: Shared) -> int:
        end = body.offset + body.size
        return open_theirs(self._pid, body.descriptor, device=body.device, inode=body.inode, end=end)

    def _mapped(self, body: Shared) -> MappedPayload:
        gone, reopen = self._gone(body), partial(self._opened, body)
        view = MAPPINGS.again(body.device, body.inode, body.offset + body.size, gone, reopen)
        if view is None:
            opened = self._opened(body)
            try:
                view = MAPPINGS.new(opened, gone, reopen)
            finally:
                os.close(opened)
        self._memory.sweep_later()
        view = view[body.offset : body.offset + body.size]
        accept, refuse = partial(self._arrives, body.id), partial(self._refused, body.id)
        return MappedPayload(view, body, reopen, accept=accept, refuse=refuse)

    def _held(self, body: Shared, opened: int) -> HeldPayload:
        accept, refuse = partial(self._arrives, body.id), partial(self._refused, body.id)
        payload = HeldPayload(body, opened, self._gone(body), self._idle, accept=accept, refuse=refuse)
        self.due.append((body.id, None))
        if body.size > _LARGE:
            self._write_soon()
        return payload

    def _gone(self, body: Shared) -> Callable[[bool], None]:
        """Return what is called once a payload that has come now is not needed any more."""
        if body.size > _LARGE:
            return partial(self.give_back, body.id)
        self._look_for_a_while()
        return partial(self._give_back_with_others, body.id)

    def _arrives(self, stream: int) -> None:
        """Have a payload arrive as a stream would: later, so that whoever takes it is done with the message."""
        self._loop.call_soon(self._incoming.whole, stream)

    def _refused(self, stream: int, reason: str) -> None:
        self._incoming.cancel(stream, reason)  # and it is given back when nobody has it any more

    def give_back(self, stream: int, spoiled: bool) -> None:  # noqa: FBT001 (it is all that is told)
        """Say soon that a payload is not needed any more. From any thread, even in a finalizer."""
        if self._closed:
            return
        self.due.append((stream, spoiled))
        self._wake_soon()

    def _give_back_with_others(self, stream: int, spoiled: bool) -> None:  # noqa: FBT001 (as above)
        """Do as `give_back`, but wake the loop only if nobody looks anyway: each time, both ends would have to run."""
        if self._closed:
            return
        self.due.append((stream, spoiled))
        if not self._looks:
            self._wake_soon()

    def drop(self, *inodes: int) -> None:
        """Say soon that memory was given back by its owner. From any thread."""
        if not self._closed:
            self.due.extend((inode, "dropped") for inode in inodes)
            self._wake_soon()

    def _wake_soon(self) -> None:
        if not self._waking:
            self._waking = True
            try:
                self._loop.call_soon_threadsafe(self._wake)
            except RuntimeError:
                self._closed = True  # with the loop

    def _wake(self) -> None:
        self._waking = False
        self._write_soon()
        self._look_for_a_while()

    def _look_for_a_while(self) -> None:
        if not self._looks:
            self._loop.call_later(_SOON, self._look)
        self._looks = _LOOKS

    def _look(self) -> None:
        self._looks = 0 if self._closed else self._looks - 1
        if self.due:  # asked after that: who does not see that somebody looks wakes the loop
            self._write_soon()
            self._looks = self._looks and _LOOKS
        if self._memory.some and not self._closed:
            self._memory.sweep_later()
        if self._looks:
            self._loop.call_later(_SOON, self._look)

    def news(self) -> list[Borrowed]:
        """Return what there is to say, once."""
        said: list[Borrowed] = []
        while self.due:
            kinds: dict[_News, list[int]] = {None: [], False: [], True: [], "dropped": []}
            trouble: str | None = None
            for _ in range(MOST_LISTED):
                if not self.due:
                    break
                number, kind = self.due.popleft()
                if number == _TROUBLE:
                    trouble = brief(self.trouble)
                else:
                    kinds[kind].append(number)
            held, returned, spoiled, dropped = map(tuple, kinds.values())
            said.append(Borrowed(held, returned, spoiled, trouble, dropped))
        return said

    def close(self) -> None:
        """The connection is gone: nobody will say what becomes of what was lent."""
        self._closed = True
        SHARED.dropping.discard(self.drop)
        if self._others is not None:
            self._others.discard(self)
        for stream in tuple(self._lent):
            self.returned(stream, spoiled=True)
        self._memory.close()
