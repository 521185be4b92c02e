"""Before a client closes: what it has submitted is sent, or it says what is left behind."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from engineroom.client.progress.audience import say

if TYPE_CHECKING:
    from engineroom.client.connection.io_thread import IOThread
    from engineroom.client.connection.link import Link
    from engineroom.client.connection.unsent import Unsent

log = logging.getLogger(__name__)

LINGER = 10.0
"""Seconds without progress after which a client that closes leaves what it has not sent."""


def send_rest(io: IOThread, link: Link, linger: float | None, patience: float) -> None:
    """Wait until all that was submitted has been sent; Ctrl-C ends the wait. Say so if something is left behind.

    `linger`: so many seconds at most; None: as long as it goes on, and for 10 s when it does not. `patience`: seconds
    after which it says that it waits.
    """
    try:
        left = io.run(link.all_sent(min(patience, LINGER if linger is None else linger), linger))
        if left.tasks and (linger is None or linger > patience):
            say(f"before closing, waiting to send {left}. Press Ctrl-C to close without waiting", log)
            rest = None if linger is None else linger - patience
            left = io.run(link.all_sent(LINGER if linger is None else linger, rest))
    except KeyboardInterrupt:
        leave_behind(io.run(link.all_sent(0.0, 0.0)))
        raise
    leave_behind(left)


def leave_behind(left: Unsent) -> None:
    """Say what will not run."""
    if left.tasks:
        they = "it" if left.tasks == 1 else "they"
        say(f"closed before {left} had been sent to the controller: {they} will not run", log)
