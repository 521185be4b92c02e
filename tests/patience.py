"""How long a test waits for what should take a moment: long enough for a machine that is slow, busy, or stands still.

A test waits for a condition, and goes on as soon as it is true: a generous end costs nothing. No test may depend on
something being over before a time that a slow machine might need.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

SECONDS = 60.0
"""How long anything may take that should take a moment."""


def slowly(promised: float) -> float:
    """Return how long that may take here which a quiet machine does within `promised` seconds.

    It tells what comes by itself from what comes when a timeout is over; how long things take, benchmarks/ measures.
    """
    return 5 * promised + 5


async def looks(seconds: float = SECONDS) -> AsyncIterator[None]:
    """Yield at once, and again every few ms, for who looks at what nobody tells us of; AssertionError in the end."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end:
        yield
        await asyncio.sleep(0.005)
    raise AssertionError(f"this did not come true within {seconds:g} s")


async def comes_true(condition: Callable[[], Any], seconds: float = SECONDS) -> None:
    """Return once `condition()` is true; AssertionError: it is not within `seconds`."""
    async for _ in looks(seconds):
        if condition():
            return


async def turns(count: int = 10) -> None:
    """Let the event loop go round: all that is ready happens."""
    for _ in range(count):
        await asyncio.sleep(0)
