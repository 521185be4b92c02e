"""Bytes that a store has, and the core needs: functions at once, arguments when their turn is near."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engineroom.controller.functions import FunctionShelf
from engineroom.core.events import BodyHere, BodyLost
from engineroom.ids import Peer, TaskId
from engineroom.protocol.content_hashes import content_hash
from engineroom.protocol.messages import INLINE_LIMIT, Stream
from engineroom.protocol.streams import Buffer, Payload
from engineroom.store.entry import Bytes, Entry
from engineroom.store.interface import Store

if TYPE_CHECKING:
    from engineroom.controller.recording.recorder import Recorder
    from engineroom.controller.shell import Controller

log = logging.getLogger(__name__)


def whole(stored: Bytes) -> Payload:
    """Return all of a payload."""
    return Payload.of(list(stored.pieces))


def stored_function(store: Store, shelf: FunctionShelf, digest: bytes) -> bool:
    """Put a function and its parts on the shelf, if they are not there; return whether all of it is."""
    if digest in shelf:
        return True
    found = store.function(digest)
    if found is None:
        return False
    function, pieces = found
    if content_hash(pieces, function.parts) != digest:
        log.warning("the function %s in the database does not match its hash", digest.hex())
        return False
    for part in function.parts or ():
        if not stored_function(store, shelf, part):
            return False
    size = sum(memoryview(piece).nbytes for piece in pieces)
    if size <= INLINE_LIMIT:
        shelf.put(replace(function, body=b"".join(pieces)), None)
    else:
        shelf.put(replace(function, body=Stream(0, size)), Payload.of(pieces))
    return True


class StoredCalls:
    """The arguments of tasks, which are read when the core accepts them."""

    def __init__(self, recorder: Recorder, controller: Controller) -> None:
        self._recorder, self._controller = recorder, controller
        self._reading: set[asyncio.Task[None]] = set()

    def payload(self, entry: Entry) -> Payload | None:
        """Return the arguments of a task, which come later; None: the store has none."""
        if entry.call is None:
            return None
        payload = Payload(entry.call.size, accept=lambda: self._read(entry.task, call, payload))
        call = entry.call
        return payload

    def _read(self, task: TaskId, call: Bytes, payload: Payload) -> None:
        reading = asyncio.get_running_loop().create_task(self._fill(task, call, payload))
        self._reading.add(reading)
        reading.add_done_callback(self._reading.discard)

    async def _fill(self, task: TaskId, call: Bytes, payload: Payload) -> None:
        keeper = self._recorder.keeper
        assert keeper is not None
        try:
            pieces: Sequence[Buffer] = await keeper.look_up(lambda _: list(call.pieces))
            _fill(payload, pieces)
        except Exception as error:  # noqa: BLE001 (a store may be anybody's; it is said of the task)
            words = f"the arguments of this task cannot be read from the database: {error}"
            payload.fail(words)
            self._controller.feed(Peer(0), BodyLost(task, payload, words))
        else:
            self._controller.feed(Peer(0), BodyHere(task, payload))
        self._recorder.take()


def _fill(payload: Payload, pieces: Sequence[Buffer]) -> None:
    """Have all of a payload there. ValueError: these are not all its bytes."""
    size = sum(memoryview(piece).nbytes for piece in pieces)
    if size != payload.size:
        raise ValueError(f"{size} bytes are there of {payload.size}")
    for piece in pieces:
        payload.add(memoryview(piece).cast("B"))
