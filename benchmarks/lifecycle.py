"""Starting, stopping, importing, and how soon a death is known."""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import engineroom as er
from benchmarks.clusters import cluster
from benchmarks.figures import Figure
from benchmarks.work import forever, noop

ENGINES, MANY = 4, 100


def _start_and_stop(profile: Path, engines: int = ENGINES) -> tuple[float, float]:
    """Return the seconds from `ipcluster start` to the first result, and those that `ipcluster stop` takes."""
    ipcluster, option = str(Path(sys.executable).with_name("ipcluster")), f"--profile-dir={profile}"
    began = time.perf_counter()
    process = subprocess.Popen(
        [ipcluster, "start", "-n", str(engines), option], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    with er.Client(profile_dir=str(profile), timeout=30) as rc:
        rc.wait_for_engines(engines, timeout=30)
        rc[:].apply_sync(noop)
        started = time.perf_counter() - began
    began = time.perf_counter()
    subprocess.run([ipcluster, "stop", option], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    process.wait(timeout=30)
    return started, time.perf_counter() - began


def start_and_stop() -> list[Figure]:
    """Measure `ipcluster start` and `ipcluster stop`, files cached."""
    home = Path(tempfile.mkdtemp(prefix="er-bench-"))
    rounds = [_start_and_stop(home / "profile_bench") for _ in range(6)][1:]
    shutil.rmtree(home, ignore_errors=True)
    started, stopped = (statistics.median(column) for column in zip(*rounds, strict=True))
    return [
        Figure(name=f"ipcluster start -n {ENGINES}, to results", unit="s", value=started, reach=1, aim=0.6, more=False),
        Figure(name="ipcluster stop, to all gone", unit="s", value=stopped, reach=0.5, aim=0.2, more=False),
    ]


def start_many() -> Figure:
    """Measure `ipcluster start` with many engines, files cached."""
    home = Path(tempfile.mkdtemp(prefix="er-bench-"))
    started = statistics.median(_start_and_stop(home / "profile_bench", MANY)[0] for _ in range(3))
    shutil.rmtree(home, ignore_errors=True)
    return Figure(name=f"ipcluster start -n {MANY}, to results", unit="s", value=started, reach=5, aim=2.5, more=False)


def import_time() -> Figure:
    """Measure `import engineroom`, and beside it what the first use of `Client` adds."""
    first = _milliseconds("import engineroom")
    client = _milliseconds("from engineroom import Client")
    return Figure(
        name="import engineroom",
        unit="ms",
        value=first,
        reach=150,
        aim=80,
        more=False,
        detail=f"from engineroom import Client: {client:.0f} ms",
    )


def _milliseconds(statement: str) -> float:
    code = f"import time; began = time.perf_counter(); {statement}; print(time.perf_counter() - began)"
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(6)]
    return statistics.median(float(run.stdout) for run in runs[1:]) * 1e3


def killed_engine() -> Figure:
    """Measure how soon a client that waits is told that the engine was killed, and why."""
    times, causes = [], set()
    with cluster(ENGINES) as rc:
        for engine in rc.ids[1:]:
            pid = rc[engine].apply_sync(os.getpid)
            waiting = rc[engine].apply_async(forever)
            time.sleep(0.2)
            began = time.perf_counter()
            os.kill(pid, signal.SIGKILL)
            error = waiting.exception(timeout=30)
            times.append(time.perf_counter() - began)
            causes.add(str(error))
    return Figure(
        name="engine killed, until the waiting client knows",
        unit="s",
        value=statistics.median(times),
        reach=0.3,
        aim=0.05,
        more=False,
        detail=f"longest {max(times):.3f} s; it says: {min(causes)}",
    )
