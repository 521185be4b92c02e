"""The one thread in which a client talks to its controller: an event loop of its own."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from engineroom.machine import threads
from engineroom.transport.loops import new_loop

T = TypeVar("T")


class IOThread:
    """A daemon thread that runs an event loop until `stop`."""

    def __init__(self, name: str) -> None:
        self.loop = new_loop()
        self._spawned: list[asyncio.Task[None]] = []  # or the garbage collector could take them
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._ident = 0
        """The thread's, while it runs."""

    @property
    def here(self) -> bool:
        """Whether the caller runs on this thread."""
        return self._ident == threading.get_ident()

    def start(self) -> None:
        threads.start(self._thread)

    def call(self, callback: Callable[[], object]) -> None:
        """Have `callback()` called on the thread soon; nothing happens after `stop`."""
        try:
            self.loop.call_soon_threadsafe(callback)
        except RuntimeError:
            return  # the loop is closed: nothing to notify

    def soon(self, callback: Callable[[], object]) -> None:
        """Have `callback()` called once what the thread does now is done; only on the thread itself."""
        self.loop.call_soon(callback)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Have `work` run on the thread, and wait for nothing."""
        self.call(lambda: self._spawned.append(self.loop.create_task(work)))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what `work` returns, run on the thread; interrupting the wait cancels it."""
        future: concurrent.futures.Future[T] = asyncio.run_coroutine_threadsafe(work, self.loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def stop(self) -> None:
        """End the loop and the thread."""
        self.call(self.loop.stop)
        if not self.here:
            self._thread.join()

    def _run(self) -> None:
        self._ident = threading.get_ident()
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        finally:
            self.loop.close()
            self._ident = 0
