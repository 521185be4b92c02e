"""Running coroutines to their end in the main thread."""

from __future__ import annotations

import contextlib
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio


class Coroutines:
    """One event loop for all coroutines of the namespace, so that what they leave in it is still good for the next."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Return what `coroutine` returns; an interrupt cancels it."""
        import asyncio

        if (outer := asyncio._get_running_loop()) is not None:  # of a task that waits, in whose place another one runs
            asyncio._set_running_loop(None)
            try:
                with asyncio.Runner() as runner:
                    return runner.run(coroutine)
            finally:
                asyncio._set_running_loop(outer)
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
        task = self._loop.create_task(coroutine)
        try:
            return self._loop.run_until_complete(task)
        except KeyboardInterrupt:
            if not task.done():
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    self._loop.run_until_complete(task)
            raise
