"""What is to be known of a kind of values that have rows."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Protocol


class CannotJoin(Exception):
    """No value of this kind holds all these parts."""


class Rows(Protocol):
    """A kind of values. A part is of the kind of the whole, so that parts can be joined."""

    def count(self, whole: Any) -> int:
        """Return how many rows there are."""

    def cut(self, whole: Any, which: slice) -> Any:
        """Return some rows."""

    def join(self, parts: Sequence[Any]) -> Any:
        """Return the rows of all `parts`, at least one, in one value that changes none of them, or CannotJoin."""

    def take(self, whole: Any, order: Sequence[int]) -> Any:
        """Return the rows with these numbers, in this order."""


def loaded(name: str) -> Any:
    """Return the module `name` if it has been imported: before that, no value can be of one of its classes."""
    return sys.modules.get(name)
