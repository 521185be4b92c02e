"""A thousand engines' connections to one controller, over real TLS sockets; engines are pretended, see `fakes`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import psutil

import engineroom as er
from benchmarks.clusters import pss
from benchmarks.figures import Figure
from benchmarks.rates import submit_and_gather
from benchmarks.timing import median_rate, seconds
from benchmarks.work import noop

FEW, MANY = 2, 1000
TASKS = 20_000
LONG_RUN = 200_000
LEAST_SHARE = 0.0005
"""Each of many engines has to run this share of a long run at least."""


@contextmanager
def controller(profile: Path, *, sampled: Path | None = None) -> Iterator[psutil.Process]:
    """Yield the process of a controller without engines. `sampled`: the file that is to have its stacks at the end."""
    program = [str(Path(sys.executable).with_name("ipcontroller"))]
    if sampled is not None:
        program = [sys.executable, "-m", "benchmarks.sampling", str(sampled)]
    command = [*program, f"--profile-dir={profile}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextmanager
def fakes(count: int, profile: Path) -> Iterator[float]:
    """Yield the seconds that `count` fake engines took until all were let in."""
    command = [sys.executable, "-m", "benchmarks.fakes", str(count)]
    environment = {**os.environ, "ENGINEROOM_TRANSPORT": "tls"}
    with subprocess.Popen(
        [*command, str(profile / "security" / "ipcontroller-engine.json")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield float(process.stdout.readline())
        finally:
            process.stdin.close()
            process.wait(timeout=30)


def wait_for_ids(rc: er.Client, count: int) -> None:
    deadline = time.monotonic() + 60
    while len(rc.ids) != count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(rc.ids)} engines are there, not {count}")
        time.sleep(0.01)


def _measure(rc: er.Client, process: psutil.Process, count: int, profile: Path) -> tuple[float, float, float]:
    """Return, of `count` fakes: seconds until all were in, no-ops a second through them, the controller's MB."""
    with fakes(count, profile) as joined:
        wait_for_ids(rc, count)
        view = rc.load_balanced_view()
        submit_and_gather(view, 2000)
        measured = joined, median_rate(TASKS, lambda: submit_and_gather(view, TASKS), rounds=3), pss(process)
    wait_for_ids(rc, 0)
    return measured


def connections() -> list[Figure]:
    """Measure 1,000 engine connections: how soon they are in, what they cost, and the task rate through them."""
    with tempfile.TemporaryDirectory(prefix="er-bench-") as home:
        profile = Path(home) / "profile_bench"
        with controller(profile) as process, er.Client(profile_dir=str(profile), timeout=30) as rc:
            _, reference, _ = _measure(rc, process, FEW, profile)
            joined, rate, memory = _measure(rc, process, MANY, profile)
    what = f"{MANY:,} engines over TLS"
    return [
        Figure(name=f"{what}: registered in", unit="s", value=joined, reach=15, aim=5, more=False),
        Figure(name=f"{what}: controller", unit="MB", value=memory, reach=150, aim=150, more=False),
        Figure(
            name=f"{what}: task rate",
            unit="tasks/s",
            value=rate,
            reference=reference,
            reference_name=f"{FEW} connections",
            reach=reference / 2,
            aim=reference,
            more=True,
        ),
    ]


def _long_run(rc: er.Client, count: int, profile: Path) -> tuple[float, int]:
    """Return no-ops a second through `count` fakes in a long run, and how many the engine with the fewest has run."""
    with fakes(count, profile):
        wait_for_ids(rc, count)
        view = rc.load_balanced_view()
        submit_and_gather(view, 2000)
        results: list[er.AsyncResult] = []

        def run() -> None:
            results.extend(view.apply_async(noop) for _ in range(LONG_RUN))
            for result in results:
                result.get()

        rate = LONG_RUN / seconds(run)
        ran = Counter(result.engine_id for result in results)
    wait_for_ids(rc, 0)
    return rate, min(ran.values()) if len(ran) == count else 0


def rate_of_many() -> list[Figure]:
    """Measure a long run of no-ops on many engines beside one on two, in turns, and what each engine had of it."""
    with tempfile.TemporaryDirectory(prefix="er-bench-") as home:
        profile = Path(home) / "profile_bench"
        with controller(profile), er.Client(profile_dir=str(profile), timeout=30) as rc:
            found = [(_long_run(rc, FEW, profile), _long_run(rc, MANY, profile)) for _ in range(2)]
    reference = median(rate for (rate, _), _ in found)
    fewest = min(least for _, (_, least) in found)
    what = f"{MANY:,} engines over TLS: {LONG_RUN:,} no-ops"
    return [
        Figure(
            name=what,
            unit="tasks/s",
            value=median(rate for _, (rate, _) in found),
            reference=reference,
            reference_name=f"{FEW} connections",
            reach=0.7 * reference,
            aim=reference,
            more=True,
        ),
        Figure(
            name=f"{what}: share of the engine with the fewest",
            unit="%",
            value=100 * fewest / LONG_RUN,
            reach=100 * LEAST_SHARE,
            aim=50 / MANY,
            more=True,
            reference=100 / MANY,
            reference_name="all alike",
        ),
    ]
