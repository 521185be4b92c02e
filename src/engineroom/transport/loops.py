"""The event loop that our processes and threads run."""

from __future__ import annotations

import asyncio


def new_loop() -> asyncio.AbstractEventLoop:
    """Return a new event loop: uvloop's where that is installed (not on Windows), else asyncio's own."""
    try:
        import uvloop  # here, for it is not everywhere
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
