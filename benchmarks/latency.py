"""One small task at a time: how long the answer takes, alone, under load, and from many engines at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

import engineroom as er
from benchmarks import references
from benchmarks.clusters import cluster
from benchmarks.figures import Figure
from benchmarks.timing import percentile, round_trips, seconds
from benchmarks.work import noop

SAMPLES = 1000
PUSHED = 256 * 2**20
PUSHING = 10.0
MANY = 32


def lone_round_trips(*, tls: bool) -> tuple[list[float], list[float]]:
    """Return the times of lone no-ops: load-balanced, and direct to one engine."""
    with cluster(2, tls=tls) as rc:
        balanced, direct = rc.load_balanced_view(), rc[0]
        round_trips(lambda: balanced.apply_sync(noop), 100)
        return (
            round_trips(lambda: balanced.apply_sync(noop), SAMPLES),
            round_trips(lambda: direct.apply_sync(noop), SAMPLES),
        )


def lone() -> list[Figure]:
    """Measure a lone round trip."""
    reference = references.pool_round_trip(SAMPLES)
    executor = references.executor_round_trip(SAMPLES)
    measured = zip(("load-balanced", "direct"), lone_round_trips(tls=False), lone_round_trips(tls=True), strict=True)
    return [
        Figure(
            name=f"lone round trip, {view} view, p50",
            unit="ms",
            value=percentile(plain, 50),
            tls=percentile(tls, 50),
            reference=reference,
            reference_name="multiprocessing.Pool",
            reach=1.1 * reference,
            tls_reach=1.5 * reference,
            aim=reference,
            more=False,
            detail=f"p99 {percentile(plain, 99):.2f} ms; over TLS {percentile(tls, 99):.2f} ms; "
            f"ProcessPoolExecutor {executor:.2f} ms",
        )
        for view, plain, tls in measured
    ]


@contextmanager
def pushes(rc: er.Client) -> Iterator[list[float]]:
    """Push 256 MiB to engine 0 over and over, in another thread; yield the seconds that each push took."""
    stop = threading.Event()
    times: list[float] = []
    data = np.ones(PUSHED, dtype=np.uint8)

    def keep_pushing() -> None:
        while not stop.is_set():
            times.append(seconds(lambda: rc[0].push({"bulk": data}, block=True)))

    pusher = threading.Thread(target=keep_pushing)
    pusher.start()
    try:
        yield times
    finally:
        stop.set()
        pusher.join()


def _sample(duration: float, *calls: Callable[[], object]) -> list[list[float]]:
    """Return the times, in ms, of `calls`, made in turn for `duration` seconds."""
    found: list[list[float]] = [[] for _ in calls]
    deadline = time.monotonic() + duration
    while time.monotonic() < deadline:
        for times, call in zip(found, calls, strict=True):
            times.extend(round_trips(call, 1))
    return found


def under_pushes() -> list[Figure]:
    """Measure lone no-ops to the same and to another engine while 256 MiB pushes repeat.

    They are another client's: what one client sends to an engine runs in order, so its own no-op behind a push
    waits for that push, and the detail says how long.
    """
    with cluster(2) as rc, er.Client(cluster=rc.cluster) as other, pushes(rc) as pushed:
        same, elsewhere = _sample(PUSHING, lambda: other[0].apply_sync(noop), lambda: other[1].apply_sync(noop))
        behind = _sample(PUSHING / 3, lambda: rc[0].apply_sync(noop))[0]
    rate = PUSHED / 2**20 * len(pushed) / sum(pushed)
    notes = {
        "the same": f"from the client that pushes: p99 {percentile(behind, 99):.0f} ms of {len(behind)}",
        "another": f"pushes at {rate:,.0f} MiB/s",
    }
    return [
        Figure(
            name=f"lone no-op to {whom} engine during 256 MiB pushes, p99",
            unit="ms",
            value=percentile(times, 99),
            reach=50,
            aim=20,
            more=False,
            detail=f"{len(times)} samples, p50 {percentile(times, 50):.2f} ms; {notes[whom]}",
        )
        for whom, times in (("the same", same), ("another", elsewhere))
    ]


def on_all() -> Figure:
    """Measure a no-op on all of 32 engines at once."""
    with cluster(MANY) as rc:
        everybody = rc[:]
        round_trips(lambda: everybody.apply_sync(noop), 20)
        times = round_trips(lambda: everybody.apply_sync(noop), 200)
    return Figure(
        name=f"no-op on all of {MANY} engines, p50",
        unit="ms",
        value=percentile(times, 50),
        reach=10,
        aim=5,
        more=False,
        detail=f"p99 {percentile(times, 99):.2f} ms",
    )
