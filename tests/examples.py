"""How many random examples a test draws: all of them in `make fuzz`, where they are new ones, and elsewhere a few."""

from __future__ import annotations

from typing import Any

from hypothesis import settings

ALL, FEW = 100, 15
"""What the two profiles draw for a test that does not say how many."""


def thorough() -> bool:
    """Return whether this is `make fuzz`; known once conftest.py, which imports this module, has chosen a profile."""
    return settings().max_examples >= ALL


def stride() -> int:
    """Return which steps to try of something that has many: every fifth, and in `make fuzz` all."""
    return 1 if thorough() else 5


def drawn(count: int, **others: Any) -> settings:
    """Return the settings of a test that draws `count` examples in `make fuzz`, and elsewhere so many fewer."""
    share = settings().max_examples / ALL
    return settings(max_examples=max(5, round(count * share)), **others)
