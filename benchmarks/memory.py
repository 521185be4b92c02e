"""Memory and CPU: of an idle cluster, and with 100,000 tasks outstanding."""

from __future__ import annotations

import gc
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

import engineroom as er
from benchmarks.clusters import cluster, cpu_seconds, processes, pss
from benchmarks.figures import Figure
from benchmarks.flow import check_futures_flow
from benchmarks.work import increment, noop, wait_for_file

OUTSTANDING = 100_000
IDLE_SECONDS = 5.0


def idle() -> list[Figure]:
    """Measure memory and CPU of a cluster that does nothing."""
    with cluster(2, answer=os.getpid):  # a function of these benchmarks would bring its package along
        time.sleep(1)  # what the start has left to do is not idleness
        before = sum(cpu_seconds().values())
        time.sleep(IDLE_SECONDS)
        used = (sum(cpu_seconds().values()) - before) / IDLE_SECONDS
        parts = processes()
        controller = pss(parts["controller"][0])
        engine = max(pss(process) for process in parts["engine"])
        others = ", ".join(f"{part} {pss(parts[part][0]):.1f} MB" for part in parts.keys() - {"controller", "engine"})
    return [
        Figure(name="idle: controller, PSS", unit="MB", value=controller, reach=60, aim=40, more=False, detail=others),
        Figure(name="idle: one engine, PSS", unit="MB", value=engine, reach=35, aim=15, more=False),
        Figure(name="idle: CPU of the whole cluster", unit="% of a core", value=used * 100, reach=1, aim=1, more=False),
    ]


def _rss(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 1e6


def growth(
    rc: er.Client, submit: Callable[[er.LoadBalancedView, int], list[er.AsyncResult]]
) -> tuple[dict[str, float], dict[str, float]]:
    """Return by how many MB client and controller grow with many tasks outstanding, and what is left afterwards."""
    view = rc.load_balanced_view()
    for result in submit(view, 1000):
        result.get()
    gc.collect()
    parts = {"client": psutil.Process(), "controller": processes()["controller"][0]}
    before = {part: _rss(process) for part, process in parts.items()}
    with tempfile.TemporaryDirectory() as home:
        gate = Path(home) / "go"
        busy = rc[:].apply_async(wait_for_file, os.fspath(gate))
        results = submit(view, OUTSTANDING)
        time.sleep(1)  # the last of them are still on their way
        peak = {part: _rss(process) - before[part] for part, process in parts.items()}
        gate.touch()
        busy.get()
    for result in results:
        result.get()
    del results, result
    gc.collect()
    time.sleep(1)
    return peak, {part: _rss(process) - before[part] for part, process in parts.items()}


def independent(view: er.LoadBalancedView, count: int) -> list[er.AsyncResult]:
    return [view.apply_async(noop) for _ in range(count)]


def in_a_chain(view: er.LoadBalancedView, count: int) -> list[er.AsyncResult]:
    results = [view.apply_async(increment, 0)]
    for _ in range(count - 1):
        results.append(view.apply_async(increment, results[-1]))
    return results


def chained() -> list[Figure]:
    """Measure what 100,000 chained tasks cost client and controller, beside as many that take no results."""
    with cluster(2) as rc:
        check_futures_flow(rc)
        alone, _ = growth(rc, independent)
    with cluster(2) as rc:
        peak, after = growth(rc, in_a_chain)
    return [
        Figure(
            name=f"{OUTSTANDING:,} chained tasks outstanding: {part} grows by",
            unit="x independent ones",
            value=peak[part] / alone[part],
            reach=1.5,
            aim=1.3,
            more=False,
            detail=f"{peak[part]:.0f} MB beside {alone[part]:.0f} MB; {after[part]:+.0f} MB afterwards",
        )
        for part in peak
    ]


def outstanding() -> list[Figure]:
    """Measure what 100,000 outstanding tasks cost client and controller, and what stays of it afterwards."""
    with cluster(2) as rc:
        peak, after = growth(rc, independent)
    bounds = {"client": (350, 200), "controller": (300, 100)}
    return [
        Figure(
            name=f"{OUTSTANDING:,} tasks outstanding: {part} grows by",
            unit="MB",
            value=peak[part],
            reach=reach,
            aim=aim,
            more=False,
            detail=f"{after[part]:+.0f} MB afterwards",
        )
        for part, (reach, aim) in bounds.items()
    ]
