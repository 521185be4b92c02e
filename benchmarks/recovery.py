"""What it costs that processes are killed: until the next result comes, and over a whole run."""

from __future__ import annotations

import os
import signal
import statistics
import tempfile
import time
from pathlib import Path

import psutil

import engineroom as er
from benchmarks.clusters import cluster, processes
from benchmarks.figures import Figure
from benchmarks.work import noop
from tests.chaos.faults import KILLS, draw
from tests.chaos.records import BUSY
from tests.chaos.story import run

DEATHS = 5
SETTLED = 5.5
"""Seconds after which a controller that dies again is not waited for."""

TASKS, ENGINES, SECONDS, FAULTS = 2_000, 4, 0.02, 20
LIMIT = 60.0


def controller_killed() -> Figure:
    """Measure how long after the death of the controller a task that is submitted then takes to be done."""
    times = []
    with cluster(2) as rc:
        view = rc.load_balanced_view()
        for _ in range(DEATHS):
            times.append(_until_the_next_result(view))
            time.sleep(SETTLED)
    return Figure(
        name="controller SIGKILLed, until the first new result",
        unit="s",
        value=statistics.median(times),
        reach=2,
        aim=0.5,
        more=False,
        detail=f"median of {DEATHS}, the longest {max(times):.2f} s",
    )


def _until_the_next_result(view: er.LoadBalancedView) -> float:
    view.apply_sync(noop)
    controller = processes()["controller"][0]
    began = time.monotonic()
    os.kill(controller.pid, signal.SIGKILL)
    psutil.wait_procs([controller], timeout=LIMIT)
    view.apply_async(noop).get(timeout=LIMIT)
    return time.monotonic() - began


def killed_at_random() -> Figure:
    """Measure what 20 kills of controller, engines and spawner add to a run of short tasks."""
    quiet, killed = (_run(faults) for faults in (0, FAULTS))
    return Figure(
        name=f"{FAULTS} random SIGKILLs in a run of {TASKS:,} tasks of {1000 * SECONDS:g} ms add",
        unit="s",
        value=killed - quiet,
        reach=30,
        aim=10,
        more=False,
        detail=f"{quiet:.1f} s without, {killed:.1f} s with",
    )


def _run(faults: int) -> float:
    with tempfile.TemporaryDirectory(prefix="er-bench-", ignore_cleanup_errors=True) as place:
        drawn = draw(20, faults, within=TASKS * SECONDS / ENGINES, kinds=KILLS) if faults else []
        told = run(Path(place), drawn, tasks=TASKS, engines=ENGINES, seconds=SECONDS, known_within=BUSY)
    assert not told.wrong, told.wrong[:5]
    assert len(told.done) == faults, f"only {len(told.done)} of {faults} kills came before the end"
    return told.seconds
