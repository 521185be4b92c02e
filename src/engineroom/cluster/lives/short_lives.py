"""How often something has died soon after its start: how long to wait before the next start, and when to give up."""

from __future__ import annotations

STABLE_SECONDS = 5.0
"""What lived for so long is started again at once; what did not waits longer each time..."""

MOST_SHORT_LIVES = 5
"""... and is given up once so many of its lives in a row were short."""


def after(short_lives: int, *, lasted: float) -> int:
    """Return how many lives in a row were short, after one that `lasted` so many seconds. `short_lives`: before it."""
    return 0 if lasted >= STABLE_SECONDS else short_lives + 1


def worn_out(short_lives: int) -> bool:
    """Whether it makes no sense to start it again."""
    return short_lives >= MOST_SHORT_LIVES


def pause(short_lives: int) -> float:
    """Return the seconds to wait before the next life."""
    return 0.5 * 2.0 ** (short_lives - 2) if short_lives > 1 else 0.0
