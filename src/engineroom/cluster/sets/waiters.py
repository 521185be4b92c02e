"""Who waits for the start or the stop of a set of engines, by its name."""

from __future__ import annotations

import asyncio


class Waiters:
    """Any number of waiters for each name."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[asyncio.Future[str]]] = {}

    def of(self, name: str) -> asyncio.Future[str]:
        """Return what is done when it is over; its result: "", or what is wrong with it."""
        waiter: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(name, []).append(waiter)
        return waiter

    def waited_for(self, name: str) -> bool:
        """Whether anybody waits for it."""
        return any(not waiter.done() for waiter in self._waiting.get(name, ()))

    def over(self, name: str, words: str = "", *, error: Exception | None = None) -> None:
        """It is over, with `words` for those who wait, or with an `error`."""
        for waiter in self._waiting.pop(name, ()):
            if waiter.done():
                continue  # whoever it was does not wait any more
            if error is not None:
                waiter.set_exception(error)
            else:
                waiter.set_result(words)
