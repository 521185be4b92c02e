"""Results of other tasks that are arguments of attempts here: where they are, and which attempts wait for them.

The main thread says what it has made, the I/O thread what has come. An attempt that waits is noted before anybody looks
whether its arguments are there already, so none is missed between the two threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from engineroom.ids import SessionId, TaskId, task_id
from engineroom.machine.shared_memory.again import own_again
from engineroom.protocol.messages import Status
from engineroom.protocol.streams import Buffer, Payload

if TYPE_CHECKING:
    from engineroom.engine.attempts import Attempt, Ended
    from engineroom.engine.queue import TaskQueue
    from engineroom.serialize.futures import Given

_FEW = 64

_MAPPED = 4 << 20
"""Longer results are mapped for each task that takes them; of shorter ones a copy costs no more than a descriptor, of
which there would be many."""


class Inputs:
    """The arguments of attempts that are results of other tasks. `wanted`: by task, who waits for its result."""

    def __init__(self, queue: TaskQueue) -> None:
        self.wanted: dict[bytes, list[Attempt]] = {}
        self._queue = queue
        self._lock = threading.Lock()
        self._kept: dict[bytes, Given] = {}
        self._arriving: set[bytes] = set()

    def expect(self, attempt: Attempt) -> None:
        """Have `attempt`, which is not queued yet, wait for its arguments. (I/O thread.)"""
        names = [
            task_id(SessionId(session), number)
            for session, first, last in attempt.run.inputs
            for number in range(first, last + 1)
        ]
        attempt.inputs = dict.fromkeys(names)
        attempt.lacks = len(attempt.inputs) + (not attempt.ready)
        attempt.ready = False
        with self._lock:
            if len(self.wanted) > _FEW and len(self.wanted) > 2 * self._queue.length:
                self._sweep()
            for name in attempt.inputs:
                self.wanted.setdefault(name, []).append(attempt)

    def look(self, attempt: Attempt, made: Callable[[TaskId], Ended | None]) -> None:
        """Give `attempt` what is there; `made(task)`: a result of this engine, once all that have ended are known."""
        for name in list(attempt.inputs or ()):
            kept = self._kept.get(name)
            if kept is None and (ended := made(TaskId(name))) is not None:
                kept = given_by(ended)
            if kept is not None:
                self._give(name, kept)

    def made(self, task: bytes, ended: Ended) -> None:
        """The main thread has this result; called after it has handed it over."""
        kept = given_by(ended)
        if kept is not None:
            self._give(task, kept)

    def come(self, task: bytes, body: bytes | Payload) -> None:
        """A result of another engine is here, or begins to come. (I/O thread.)"""
        if isinstance(body, Payload):
            if not body.complete and body.error is None:
                self._arriving.add(task)
                return
            if body.complete and task not in self._arriving:
                return
            self._arriving.discard(task)
        kept: Given = body if isinstance(body, bytes) else _opener(body)
        self._kept[task] = kept
        self._give(task, kept)

    def forget(self, task: bytes) -> None:
        """No later attempt has this argument without being sent it; those that have it keep it. (I/O thread.)"""
        self._kept.pop(task, None)
        self._arriving.discard(task)

    def part_here(self, attempt: Attempt) -> None:
        """All other arguments of `attempt` are here. (I/O thread.)"""
        with self._lock:
            attempt.lacks -= 1
            ready = not attempt.lacks
        if ready:
            self._queue.make_ready(attempt)

    def cut(self) -> None:
        """The connection is gone: those that wait are sent again, with all that they need. (I/O thread.)"""
        self._queue.drop_incomplete()
        with self._lock:
            self.wanted = {}
        self._kept.clear()
        self._arriving.clear()

    def _give(self, task: bytes, kept: Given) -> None:
        ready = []
        with self._lock:
            for attempt in self.wanted.pop(task, ()):
                if attempt.inputs is not None and attempt.inputs.get(task) is None:
                    attempt.inputs[task] = kept
                    attempt.lacks -= 1
                    if not attempt.lacks:
                        ready.append(attempt)
        for attempt in ready:
            self._queue.make_ready(attempt)

    def _sweep(self) -> None:
        """Forget attempts that were given back."""
        for task, waiting in list(self.wanted.items()):
            left = [attempt for attempt in waiting if attempt.queued]
            if left:
                self.wanted[task] = left
            else:
                del self.wanted[task]


def given_by(ended: Ended) -> Given | None:
    """Return the result of an attempt, None if it has none."""
    if ended.message.outcome.status != Status.OK:
        return None
    return ended.message.body if ended.body is None else partial(_own, ended.body)  # type: ignore[return-value]  # bytes


def _own(pieces: Sequence[memoryview]) -> Buffer:
    view = own_again(pieces) if sum(map(len, pieces)) >= _MAPPED else None
    return bytearray().join(pieces) if view is None else view


def _opener(payload: Payload) -> Given:
    mapper = payload.mapper() if payload.error is None and payload.size >= _MAPPED else None

    def opened() -> Buffer:
        if payload.error is not None:
            raise MemoryError(
                f"an argument of this call takes {payload.size:,} bytes, and this engine has no memory for it"
            )
        with suppress(OSError, MemoryError):
            if mapper is not None:
                return mapper()
        return bytearray(payload.buffer())

    return opened
