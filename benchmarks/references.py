"""The standard library's pools: no network, no addressing, no recovery; they stand for the limit.

Where old code is held against new (`benchmarks.against`) they are not wanted: each is NaN then.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache, wraps
from multiprocessing.pool import Pool

from benchmarks.timing import median_rate, percentile, round_trips, seconds
from benchmarks.work import echo, increment, noop

WORKERS = 2
UNWANTED = "BENCH_WITHOUT_REFERENCES"
"""Set in the environment of runs that need no references."""

_spawn = multiprocessing.get_context("spawn")


def _if_wanted(measure: Callable[..., float]) -> Callable[..., float]:
    @cache
    @wraps(measure)
    def measured(*args: int) -> float:
        return math.nan if os.environ.get(UNWANTED) else measure(*args)

    return measured


@contextmanager
def executor() -> Iterator[ProcessPoolExecutor]:
    """Yield a warm ProcessPoolExecutor."""
    with ProcessPoolExecutor(WORKERS, mp_context=_spawn) as pool:
        list(pool.map(echo, range(8 * WORKERS)))
        yield pool


@contextmanager
def pool() -> Iterator[Pool]:
    """Yield a warm multiprocessing.Pool."""
    with _spawn.Pool(WORKERS) as workers:
        workers.map(echo, range(8 * WORKERS))
        yield workers


@_if_wanted
def executor_noops(count: int) -> float:
    """Return the no-ops a second of ProcessPoolExecutor, submitted one by one."""
    with executor() as workers:

        def run() -> None:
            for future in [workers.submit(noop) for _ in range(count)]:
                future.result()

        return median_rate(count, run, rounds=3 if count <= 10_000 else 1)


@_if_wanted
def pool_noops(count: int) -> float:
    """Return the no-ops a second of multiprocessing.Pool.apply_async."""
    with pool() as workers:

        def run() -> None:
            for result in [workers.apply_async(noop) for _ in range(count)]:
                result.get()

        return median_rate(count, run, rounds=3)


@contextmanager
def pool_map(count: int) -> Iterator[list[Callable[[], object]]]:
    """Yield what maps `count` items by multiprocessing.Pool.map with its default chunks; nothing, if not wanted."""
    if os.environ.get(UNWANTED):
        yield []
        return
    with pool() as workers:
        yield [lambda: workers.map(increment, range(count))]


@_if_wanted
def executor_round_trip(samples: int) -> float:
    """Return the median of a lone round trip through ProcessPoolExecutor, in ms."""
    with executor() as workers:
        times = []
        for _ in range(samples):
            began = time.perf_counter()
            workers.submit(noop).result()
            times.append((time.perf_counter() - began) * 1e3)
    return percentile(times, 50)


@_if_wanted
def pool_round_trip(samples: int) -> float:
    """Return the median of a lone round trip through multiprocessing.Pool, in ms."""
    with pool() as workers:
        return percentile(round_trips(lambda: workers.apply(noop), samples), 50)


@_if_wanted
def executor_echo(make: Callable[[int], object], count: int, size: int) -> float:
    """Return the MiB a second (there and back counted once) of `count` tasks that give back `make(size)`."""
    data = make(size)
    with executor() as workers:

        def run() -> None:
            for future in [workers.submit(echo, data) for _ in range(count)]:
                future.result()

        return count * size / 2**20 / min(seconds(run) for _ in range(3))
