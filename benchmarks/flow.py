"""Results that flow into other tasks, and a run that loses an engine on the way."""

from __future__ import annotations

import os
import signal
import statistics
import time
from collections.abc import Callable

import engineroom as er
from benchmarks.clusters import cluster
from benchmarks.figures import CannotMeasureError, Figure
from benchmarks.timing import median_rate
from benchmarks.work import add, increment, nap, noop, pid

CHAIN = 10_000
LAYERS, WIDTH = 100, 100
NAPS, KILLED_AFTER = 200, 1.0


def check_futures_flow(rc: er.Client) -> None:
    """CannotMeasureError: the code that is measured takes no results as arguments."""
    view = rc.load_balanced_view()
    first = view.apply_async(increment, 0)
    try:
        assert view.apply_sync(increment, first) == 2
    except Exception as error:
        raise CannotMeasureError(f"results can't be arguments there ({type(error).__name__})") from error


def run_chain(view: er.LoadBalancedView, length: int) -> None:
    """Run tasks of which each takes the result of the one before."""
    last = view.apply_async(increment, 0)
    for _ in range(length - 1):
        last = view.apply_async(increment, last)
    assert last.get(timeout=60) == length


def run_layers(view: er.LoadBalancedView) -> None:
    """Run layers of tasks of which each takes two results of the layer before."""
    layer = [view.apply_async(add, 0, 1) for _ in range(WIDTH)]
    for _ in range(LAYERS - 1):
        layer = [view.apply_async(add, layer[place], layer[place - 1]) for place in range(WIDTH)]
    assert {result.get(timeout=60) for result in layer} == {2 ** (LAYERS - 1)}


def chain() -> Figure:
    """Measure a long chain of tasks."""
    return _rate_of(f"a chain of {CHAIN:,} tasks, futures as arguments", CHAIN, lambda view: run_chain(view, CHAIN))


def layers() -> Figure:
    """Measure layers of tasks."""
    name = f"{LAYERS} layers of {WIDTH} tasks, each taking two of the layer before"
    return _rate_of(name, LAYERS * WIDTH, run_layers)


def _rate_of(name: str, count: int, run: Callable[[er.LoadBalancedView], object]) -> Figure:
    """Measure `run`, of `count` tasks, on two engines that have run it once before."""
    with cluster(2) as rc:
        check_futures_flow(rc)
        view = rc.load_balanced_view()
        run(view)
        rate = median_rate(count, lambda: run(view), rounds=3)
    return Figure(name=name, unit="tasks/s", value=rate, reach=5_000, aim=10_000, more=True)


def killed_in_a_run() -> Figure:
    """Measure a run of short tasks on two engines, of which one is killed."""
    times, left = [], []
    for _ in range(3):
        with cluster(2) as rc:
            view = rc.load_balanced_view()
            [result.get() for result in [view.apply_async(noop) for _ in range(100)]]
            victim = rc[rc.ids[0]].apply_sync(pid)
            began = time.perf_counter()
            results = [view.apply_async(nap) for _ in range(NAPS)]
            time.sleep(KILLED_AFTER)
            os.kill(victim, signal.SIGKILL)
            for result in results:
                result.get(timeout=60)
            times.append(time.perf_counter() - began)
            left.append(len(rc.ids))
    return Figure(
        name=f"{NAPS} tasks of 50 ms on two engines, one of them killed after {KILLED_AFTER:g} s: the whole run",
        unit="s",
        value=statistics.median(times),
        reach=6.5,
        aim=5.5,
        more=False,
        detail=f"engines at the end: {', '.join(map(str, left))}",
    )
