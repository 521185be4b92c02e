"""How many random examples a test draws: all of them in `make fuzz`, where they are new ones, and elsewhere a few."""

from __future__ import annotations

from typing import Any

from hypothesis import settings

ALL, FEW = 100, 25
"""What the two profiles draw for a test that does not say how many."""

STRIDE = 1 if settings().max_examples >= ALL else 3
"""For tests that try each step of something: `make fuzz` tries all, and elsewhere every third is tried."""


def drawn(count: int, **others: Any) -> settings:
    """Return the settings of a test that draws `count` examples in `make fuzz`, and elsewhere so many fewer."""
    share = settings().max_examples / ALL
    return settings(max_examples=max(5, round(count * share)), **others)
