"""Waiting for the end of a process that need not be our child."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable

_LOOK_EVERY = 0.02
"""Seconds between two looks, where the end of a process can't be waited for."""


async def exit_of(pid: int, ended: Callable[[], bool], seconds: float) -> bool:
    """Return whether the process `pid` has `ended()` within `seconds`."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    descriptor = _pidfd(pid)
    gone = asyncio.Event()
    if descriptor is not None:
        loop.add_reader(descriptor, gone.set)
    try:
        while not ended() and (left := deadline - loop.time()) > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(gone.wait(), left if descriptor is not None else min(left, _LOOK_EVERY))
    finally:
        if descriptor is not None:
            loop.remove_reader(descriptor)
            os.close(descriptor)
    return ended()


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None
