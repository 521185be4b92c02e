"""A thousand engines' connections to one controller, over real TLS sockets."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

import engineroom as er
from benchmarks.clusters import pss
from benchmarks.figures import Figure
from benchmarks.rates import submit_and_gather
from benchmarks.timing import median_rate

FEW, MANY = 2, 1000
TASKS = 20_000


@contextmanager
def controller(profile: Path) -> Iterator[psutil.Process]:
    """Yield the process of a controller without engines."""
    command = [str(Path(sys.executable).with_name("ipcontroller")), f"--profile-dir={profile}"]
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


def _wait_for_ids(rc: er.Client, count: int) -> None:
    deadline = time.monotonic() + 60
    while len(rc.ids) != count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(rc.ids)} engines are there, not {count}")
        time.sleep(0.01)


def _measure(rc: er.Client, process: psutil.Process, count: int, profile: Path) -> tuple[float, float, float]:
    """Return, of `count` fakes: seconds until all were in, no-ops a second through them, the controller's MB."""
    with fakes(count, profile) as joined:
        _wait_for_ids(rc, count)
        view = rc.load_balanced_view()
        submit_and_gather(view, 2000)
        measured = joined, median_rate(TASKS, lambda: submit_and_gather(view, TASKS), rounds=3), pss(process)
    _wait_for_ids(rc, 0)
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
