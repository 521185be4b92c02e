"""Those who await results in event loops: told together of all that ended in one go."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol, TypeAlias

Ended: TypeAlias = "asyncio.Future[None]"
"""What a coroutine waits for: a future of its event loop."""


class Thread(Protocol):
    """The thread in which results arrive."""

    @property
    def here(self) -> bool:
        """Whether the caller runs on it."""

    def soon(self, callback: Callable[[], object]) -> None:
        """Have `callback()` called on it once what it does now is done; only on the thread itself."""


class Awaited:
    """What has ended and is awaited, in any number of event loops.

    Results arrive by the hundred. Each loop is woken once for all of them, when the thread in which they arrive has let
    go of the session's condition.
    """

    def __init__(self, thread: Thread) -> None:
        self._thread = thread
        self._ended: deque[Ended] = deque()
        self._telling = False

    def add(self, ended: Ended) -> None:
        """Have `ended` settled in its loop. From any thread."""
        self._ended.append(ended)  # first: whoever tells lowers the flag before it looks
        if self._telling:
            return
        self._telling = True
        if self._thread.here:
            self._thread.soon(self._tell)
        else:
            self._tell()

    def _tell(self) -> None:
        self._telling = False
        loops: dict[asyncio.AbstractEventLoop, list[Ended]] = {}
        with contextlib.suppress(IndexError):
            while True:
                ended = self._ended.popleft()
                loops.setdefault(ended.get_loop(), []).append(ended)
        for loop, those in loops.items():
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits there any more
                loop.call_soon_threadsafe(_settle, those)


def _settle(ended: Iterable[Ended]) -> None:
    for each in ended:
        if not each.done():
            each.set_result(None)


def new_wait() -> Ended:
    """Return a future of the event loop that runs here; RuntimeError: none does."""
    return asyncio.get_running_loop().create_future()
