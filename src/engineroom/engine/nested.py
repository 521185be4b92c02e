"""Tasks that submit tasks, and wait for them: meanwhile the main thread runs what descends from the task that waits."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import Counter
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
from engineroom.engine.task_output import Key
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
        self._coroutines: Counter[Key] = Counter()
        """How many coroutines of a task wait in its event loop."""

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
        top, end = self._queue.running, monotonic() + seconds
        assert top is not None
        if top in self._queue.waiting:  # in an event loop, whose coroutine waits here as well
            return self._serve(top, done, end)
        with self._interrupts.postponed():
            self._begin(top)
            try:
                return self._serve(top, done, end)
            finally:
                self._end(top)

    def _begin(self, top: Attempt) -> None:
        """Say that `top` waits."""
        if len(self._queue.waiting) >= MOST:
            raise RecursionError(
                f"{MOST} tasks wait within each other on this engine, and the limit is {MOST}: submit tasks less deeply"
            )
        self._queue.waiting.append(top)
        self._outbox.waits(top, waits=True)

    def _end(self, top: Attempt) -> None:
        """Say that `top` goes on."""
        self._queue.waiting.remove(top)
        self._outbox.waits(top, waits=False)

    @contextmanager
    def serving_in_loop(self) -> Iterator[None]:
        """While a coroutine of the running task waits, have its event loop run what descends from the task."""
        top = self._queue.running
        assert top is not None
        self._coroutines[top.key] += 1
        if top not in self._queue.waiting:
            self._begin(top)
            self._serve_in_loop(top, asyncio.get_running_loop())
        try:
            yield
        finally:
            self._coroutines[top.key] -= 1
            if not self._coroutines[top.key]:
                del self._coroutines[top.key]
                self._queue.on_news = None
                self._end(top)

    def _serve_in_loop(self, top: Attempt, loop: asyncio.AbstractEventLoop) -> None:
        def look() -> None:
            if self._queue.running is not top or top not in self._queue.waiting:
                return
            with self._interrupts.postponed():
                more = self._serve_one(top)
            if more:
                loop.call_soon(look)

        self._queue.on_news = lambda: loop.call_soon_threadsafe(look)
        loop.call_soon(look)

    def _serve(self, top: Attempt, done: Callable[[], object], end: float) -> bool:
        while not done():
            if self._serve_one(top):
                continue
            if (left := end - monotonic()) <= 0:
                return False
            with self._interrupts.allowed():
                self._queue.wait_within(left)
        return True

    def _serve_one(self, top: Attempt) -> bool:
        """Run one task in the place of `top`, if there is one now."""
        attempt = self._queue.start_within(top.run.task)
        if attempt is None:
            return False
        with self._aside(top):
            self._run(attempt)
        self._interrupts.check(top)
        return True

    @contextmanager
    def _aside(self, top: Attempt) -> Iterator[None]:
        """Put aside what belongs to the task that waits, while another one runs."""
        self._descriptors.read(top)
        streams, news = (sys.stdin, sys.stdout, sys.stderr), self._queue.on_news
        self._queue.on_news = None
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
            self._queue.on_news = news
            self._queue.running = top
            self._runs.note(top.run.task, top.run.attempt)
            writer.set(top)
