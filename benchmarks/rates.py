"""Many small tasks: how many a second, and what each costs."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Sequence

import engineroom as er
from benchmarks import references
from benchmarks.clusters import cluster, cpu_seconds
from benchmarks.figures import Figure
from benchmarks.timing import median_rate, rates_in_turns
from benchmarks.work import increment, noop

ITEMS = 100_000


def submit_and_gather(view: er.LoadBalancedView, count: int) -> None:
    """Submit `count` no-ops one by one, and wait for all their results."""
    for result in [view.apply_async(noop) for _ in range(count)]:
        result.get()


def noop_rate(count: int, *, tls: bool) -> float:
    """Return no-ops a second through a load-balanced view of two engines."""
    with cluster(2, tls=tls) as rc:
        view = rc.load_balanced_view()
        submit_and_gather(view, 2000)
        return median_rate(count, lambda: submit_and_gather(view, count), rounds=3)


def noops(count: int) -> Figure:
    """Measure no-ops submitted one by one, all results gathered."""
    reference = references.executor_noops(count)
    aim = references.pool_noops(count)
    return Figure(
        name=f"no-op tasks one by one, {count:,}",
        unit="tasks/s",
        value=noop_rate(count, tls=False),
        tls=noop_rate(count, tls=True),
        reference=reference,
        reference_name="ProcessPoolExecutor",
        reach=3 * reference,
        aim=aim,
        more=True,
        detail=f"multiprocessing.Pool.apply_async: {aim:,.0f}",
    )


def noop_cpu_by_part(count: int, *, tls: bool) -> dict[str, float]:
    """Return the CPU microseconds that each part of the cluster spends on one no-op."""
    with cluster(2, tls=tls) as rc:
        view = rc.load_balanced_view()
        submit_and_gather(view, 2000)
        gc.collect()
        before = cpu_seconds()
        submit_and_gather(view, count)
        after = cpu_seconds()
    return {part: (after[part] - before.get(part, 0.0)) / count * 1e6 for part in after}


def noop_cpu() -> Figure:
    """Measure the CPU time of a no-op, all processes together."""
    parts = noop_cpu_by_part(50_000, tls=False)
    tls = noop_cpu_by_part(50_000, tls=True)
    return Figure(
        name="CPU per no-op task, all processes",
        unit="us",
        value=sum(parts.values()),
        tls=sum(tls.values()),
        reach=90,
        aim=55,
        more=False,
        detail=f"{_split(parts)}; over TLS: {_split(tls)}",
    )


def _split(parts: dict[str, float]) -> str:
    return ", ".join(f"{part} {used:.1f}" for part, used in parts.items() if used >= 0.05)


def map_rates(*, tls: bool, beside: Sequence[Callable[[], object]] = ()) -> list[float]:
    """Return items a second of `map` with default chunks: load-balanced view, direct view, `beside`; in turns."""
    with cluster(2, tls=tls) as rc:
        balanced, direct = rc.load_balanced_view(), rc[:]
        works = [lambda: balanced.map_sync(increment, range(ITEMS)), lambda: direct.map_sync(increment, range(ITEMS))]
        return rates_in_turns(ITEMS, [*works, *beside], rounds=15)


def maps() -> list[Figure]:
    """Measure `map` over tiny items through either view."""
    with references.pool_map(ITEMS) as beside:
        plain = map_rates(tls=False, beside=beside)
    reference = plain[2] if beside else math.nan
    rates = zip(("load-balanced", "direct"), plain[:2], map_rates(tls=True), strict=True)
    return [
        Figure(
            name=f"map of {ITEMS:,} tiny items, {view} view",
            unit="items/s",
            value=value,
            tls=tls,
            reference=reference,
            reference_name="multiprocessing.Pool.map",
            reach=reference,
            tls_reach=0.7 * reference,
            aim=1.2 * reference,
            more=True,
        )
        for view, value, tls in rates
    ]
