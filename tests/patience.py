"""How long a test waits for what should take a moment: long enough for a machine that is slow, busy, or stands still.

A test waits for a condition, and goes on as soon as it is true: a generous end costs nothing. No test may depend on
something being over before a time that a slow machine might need.
"""

from __future__ import annotations

SECONDS = 60.0
"""How long anything may take that should take a moment."""


def slowly(promised: float) -> float:
    """Return how long that may take here which a quiet machine does within `promised` seconds.

    It tells what comes by itself from what comes when a timeout is over; how long things take, benchmarks/ measures.
    """
    return 5 * promised + 5
