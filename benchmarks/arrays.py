"""Large arrays: to all engines, back from one, in parts there and back, and how many copies a machine holds of one."""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import median

import engineroom as er
from benchmarks import references
from benchmarks.array_work import joined, ones, read_pages, read_pushed
from benchmarks.clusters import cluster, processes
from benchmarks.figures import Figure
from benchmarks.timing import seconds

SIZE = 256 * 2**20
ROUNDS = 3
READERS = 8

WARM_UP = 3
"""Rounds until what an earlier one has left on engines is used again: they keep it until the next one has come."""


def rates(rc: er.Client, *, warm_up: int) -> dict[str, float]:
    """Return the MiB a second of each way that an array goes, after so many rounds."""
    everybody, data = rc[:], ones(SIZE)
    found = {}

    def _cold_and_warm(act: Callable[[], object], size: int) -> tuple[float, float]:
        """Return the MiB a second of the first `act()`, and the median of those that follow once all is warm."""
        each = [size / 2**20 / seconds(act) for _ in range(warm_up + ROUNDS)]
        return each[0], median(each[warm_up:])

    cold, warm = _cold_and_warm(lambda: everybody.apply_sync(read_pages, data), SIZE * len(everybody))
    found["to all engines, cold"], found["to all engines, warm"] = cold, warm
    rc[0].push({"bulk": data}, block=True)
    found["back from one engine, warm"] = _cold_and_warm(lambda: read_pages(rc[0].pull("bulk", block=True)), SIZE)[1]
    found["scattered, warm"] = _cold_and_warm(lambda: everybody.scatter("part", data, block=True), SIZE)[1]
    found["gathered, warm"] = _cold_and_warm(lambda: everybody.gather("part", block=True), SIZE)[1]
    return found


def _executor_rates() -> dict[str, float]:
    """Return the MiB a second of ProcessPoolExecutor for each way in `rates`; NaN if unwanted.

    It gets a quarter of the array: through its pipes all bytes take the same time, and that is long.
    """
    if os.environ.get(references.UNWANTED):
        return defaultdict(lambda: math.nan)
    size = SIZE // 4
    data, half = ones(size), size // references.WORKERS
    parts = [data[start : start + half] for start in range(0, size, half)]

    with references.executor() as workers:

        def rates(act: Callable[[], object], moved: int) -> list[float]:
            return [moved / 2**20 / seconds(act) for _ in range(1 + ROUNDS)]

        there = rates(lambda: list(workers.map(read_pages, [data] * references.WORKERS)), size * references.WORKERS)
        back = rates(lambda: read_pages(workers.submit(ones, size).result()), size)
        scattered = rates(lambda: list(workers.map(read_pages, parts)), size)
        gathered = rates(lambda: joined(list(workers.map(ones, [half] * references.WORKERS))), size)
    return {
        "to all engines, cold": there[0],
        "to all engines, warm": median(there[1:]),
        "back from one engine, warm": median(back[1:]),
        "scattered, warm": median(scattered[1:]),
        "gathered, warm": median(gathered[1:]),
    }


def there_and_back() -> list[Figure]:
    """Measure 256 MiB to all of two engines, where every page is read, and back; in parts there and back."""
    beside = _executor_rates()
    with cluster(2) as rc:
        plain = rates(rc, warm_up=WARM_UP)
    with cluster(2, tls=True) as rc:
        tls = rates(rc, warm_up=1)
    return [
        Figure(
            name=f"{SIZE >> 20} MiB {way}",
            unit="MiB/s",
            value=value,
            tls=tls[way],
            tls_reach=0.0,
            reference=beside[way],
            reference_name="ProcessPoolExecutor",
            reach=beside[way],
            aim=10 * beside[way],
            more=True,
        )
        for way, value in plain.items()
    ]


def copies() -> Figure:
    """Measure how much more memory this machine has in use once 8 engines have read a pushed array."""
    with cluster(READERS) as rc:
        data = ones(SIZE)
        rc[:].apply_sync(read_pages, ones(2**20))
        before = _in_use()
        rc[:].push({"bulk": data}, block=True)
        assert rc[:].apply_sync(read_pushed, "bulk") == [SIZE // 4096] * READERS
        more = _in_use() - before
    return Figure(
        name=f"{SIZE >> 20} MiB pushed to {READERS} engines: copies",
        unit="copies",
        value=more / SIZE,
        reach=1.3,
        aim=1.05,
        more=False,
    )


def _in_use() -> int:
    """Return the bytes that the processes of the cluster, and segments that nobody may have mapped, take."""
    shared = sum(_kilobytes(Path("/proc/meminfo"), "Shmem:"))
    own = sum(
        sum(_kilobytes(Path(f"/proc/{process.pid}/smaps_rollup"), "Pss_Anon:", "Pss_File:"))
        for members in processes().values()
        for process in members
    )
    return (shared + own) * 1024


def _kilobytes(file: Path, *names: str) -> list[int]:
    return [int(line.split()[1]) for line in file.read_text().splitlines() if line.split()[0] in names]
