"""joblib's batches of calls, as engines run them. Engines import this without joblib, until a batch comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Batch:
    """Calls a batch. It is sent as a function, so that large arrays in it travel once for all batches with them."""

    def __init__(self, calls: Callable[[], list[Any]]) -> None:
        self.calls = calls

    def __call__(self) -> list[Any]:
        return self.calls()


def run(calls: Callable[[], list[Any]]) -> list[Any]:
    """Return the results of a batch."""
    return calls()
