"""Taking times; needs the standard library only, so that the peers' environments can use it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

_COLD = 3
"""Rounds that are not counted: memory is taken, and what is needed now is imported."""


def seconds(work: Callable[[], object]) -> float:
    """Return how long `work()` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def median_rate(count: int, work: Callable[[], object], rounds: int) -> float:
    """Return the median, over `rounds` runs of `work`, of `count` things a second."""
    return count / statistics.median(seconds(work) for _ in range(rounds))


def rates_in_turns(count: int, works: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """Return the median rate of each of `works`, warm and run in turns: what slows the machine slows all of them."""
    times: list[list[float]] = [[seconds(work) for work in works] for _ in range(rounds + _COLD)][_COLD:]
    return [count / statistics.median(column) for column in zip(*times, strict=True)]


def percentile(samples: Sequence[float], percent: int) -> float:
    """Return the value that `percent` of `samples` (at least two) do not exceed."""
    return statistics.quantiles(samples, n=100, method="inclusive")[percent - 1]


def round_trips(call: Callable[[], object], samples: int) -> list[float]:
    """Return the times, in ms, of `samples` calls one after the other."""
    return [seconds(call) * 1e3 for _ in range(samples)]
