"""Tasks that submit tasks, and wait for them: meanwhile the main thread runs what descends from the task that waits."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from engineroom.engine.attempts import Attempt
from engineroom.engine.capture import writer
from engineroom.engine.descriptors import Descriptors
from engineroom.engine.interrupts import Interrupts
from engineroom.engine.now_running import NowRunning
from engineroom.engine.outbox import Outbox
from engineroom.engine.queue import TaskQueue
from engineroom.engine.streams import Streams
from engineroom.ids import TaskId
from engineroom.serialize.by_value.arrivals import arrivals
from engineroom.serialize.chunks.running import running_chunk
from engineroom.serialize.functions.interactive import home

if TYPE_CHECKING:
    from engineroom.engine.link import Link
    from engineroom.protocol.messages import Join, Welcome
    from engineroom.transport.connection import Connection

MOST = 500
"""So many tasks wait within each other on one engine at most."""

_FRAMES = 150
"""So much deeper Python's stack may be for each of them."""


class Nested:
    """What `transport.within.Within` wants of an engine."""

    def __init__(
        self,
        queue: TaskQueue,
        outbox: Outbox,
        interrupts: Interrupts,
        *,
        run: Callable[[Attempt], None],
        link: Callable[[], Link | None],
        descriptors: Descriptors,
        streams: Streams,
        runs: NowRunning,
    ) -> None:
        """`run`: runs an attempt that the queue has started; `link`: how this engine is connected."""
        self._queue, self._outbox, self._interrupts = queue, outbox, interrupts
        self._run, self._link = run, link
        self._descriptors, self._streams, self._runs = descriptors, streams, runs
        self._main = threading.main_thread()

    async def dial(self, join: Join, seconds: float) -> tuple[Connection, Welcome]:
        """Return a connection over which the tasks of this engine speak."""
        link = self._link()
        assert link is not None, "only a task asks"
        return await link.dial_for_tasks(join, seconds)

    def task(self) -> TaskId:
        """Return the task that this code belongs to. RuntimeError: it belongs to none, or that has ended."""
        attempt = writer.get()
        if attempt is None or attempt.ended:
            raise RuntimeError(
                "the task that this code belongs to has ended: only a task that runs can submit tasks. Wait for the "
                "task's threads before it returns"
            )
        return attempt.run.task

    def serves(self) -> bool:
        """Whether this is the main thread, in the task that runs."""
        running = self._queue.running
        return running is not None and writer.get() is running and threading.current_thread() is self._main

    def poke(self) -> None:
        """Have whoever waits in `serve` look again."""
        self._queue.poke()

    def serve(self, done: Callable[[], object], seconds: float) -> bool:
        """Run what descends from the running task until `done()`; False if `seconds` have passed before."""
        if done():
            return True
        queue, end = self._queue, monotonic() + seconds
        top = queue.running
        assert top is not None
        if len(queue.waiting) >= MOST:
            raise RecursionError(
                f"{MOST} tasks wait within each other on this engine, and the limit is {MOST}: submit tasks less deeply"
            )
        with self._interrupts.postponed():
            queue.waiting.append(top)
            self._outbox.waits(top, waits=True)
            try:
                return self._serve(top, done, end)
            finally:
                queue.waiting.pop()
                self._outbox.waits(top, waits=False)

    def _serve(self, top: Attempt, done: Callable[[], object], end: float) -> bool:
        while not done():
            attempt = self._queue.start_within(top.run.task)
            if attempt is not None:
                with self._aside(top):
                    self._run(attempt)
                self._interrupts.check(top)
            elif (left := end - monotonic()) <= 0:
                return False
            else:
                with self._interrupts.allowed():
                    self._queue.wait_within(left)
        return True

    @contextmanager
    def _aside(self, top: Attempt) -> Iterator[None]:
        """Put aside what belongs to the task that waits, while another one runs."""
        self._descriptors.read(top)
        streams = sys.stdin, sys.stdout, sys.stderr
        self._streams.settle()
        chunk, called = running_chunk.put_aside(), arrivals.running
        shadowed, home.shadowed = home.shadowed, []
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(limit + _FRAMES)
        try:
            with self._interrupts.apart():
                yield
        finally:
            sys.setrecursionlimit(limit)
            home.shadowed = shadowed
            running_chunk.take_up(chunk)
            arrivals.running = called
            sys.stdin, sys.stdout, sys.stderr = streams
            self._queue.running = top
            self._runs.note(top.run.task, top.run.attempt)
            writer.set(top)
