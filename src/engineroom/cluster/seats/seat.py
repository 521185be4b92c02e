"""What a host asks of its controller, wherever that runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from engineroom.errors import LaunchError


class NoController(LaunchError):
    """The controller did not start. `code`: the exit code that says why; `noted`: as for every LaunchError."""

    def __init__(self, words: str, code: int = 1, *, noted: bool = False) -> None:
        self.code, self.noted = code, noted
        super().__init__(words)


OnEnd = Callable[[str, bool], None]
"""Called with words, and whether it ended in order, when a controller that had started ends."""


class ControllerSeat(Protocol):
    """The controller of a host."""

    async def start(self, on_end: OnEnd) -> None:
        """Return once it listens and its connection files are in the profile here. NoController says why not."""

    def stop(self, reason: str) -> None:
        """Have it end; `reason` is for those who are connected to it."""

    def kill(self) -> None:
        """End it at once, as far as that can be done."""

    async def leave(self) -> None:
        """Release all that was kept for it, which has ended by itself; another one goes on with its files."""

    async def ended(self) -> None:
        """Wait until it has ended. LaunchError: it can't be seen that it has."""

    def state(self) -> dict[str, Any]:
        """Return what the cluster file says of it, {} if it is not running."""
        ...
