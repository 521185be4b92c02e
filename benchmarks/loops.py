"""Results in event loops, beside `get`."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable

import engineroom as er
from benchmarks.clusters import cluster
from benchmarks.figures import Figure
from benchmarks.rates import submit_and_gather
from benchmarks.timing import seconds
from benchmarks.work import noop

COUNT = 10_000
ROUNDS = 5


async def submit_and_await(view: er.LoadBalancedView) -> None:
    """Submit no-ops one by one, and await their results one after the other."""
    for result in [view.apply_async(noop) for _ in range(COUNT)]:
        await result


async def submit_and_gather_in_a_loop(view: er.LoadBalancedView) -> None:
    await asyncio.gather(*[view.apply_async(noop) for _ in range(COUNT)])


def awaited() -> list[Figure]:
    """Measure what awaiting no-ops takes, beside reading them with `get` in turns: median of the ratios."""
    ways: tuple[Callable[[er.LoadBalancedView], object], ...] = (
        lambda view: submit_and_gather(view, COUNT),
        lambda view: asyncio.run(submit_and_await(view)),
        lambda view: asyncio.run(submit_and_gather_in_a_loop(view)),
    )
    with cluster(2) as rc:
        view = rc.load_balanced_view()
        submit_and_gather(view, COUNT)
        rounds = [[seconds(lambda: way(view)) for way in ways] for _ in range(ROUNDS)]  # noqa: B023 (called at once)
    bounds = (("awaiting 10,000 no-ops in turn", 1.3, 1.1), ("asyncio.gather of 10,000 no-ops", 2.0, 1.5))
    return [
        Figure(
            name=name,
            unit="x get()",
            value=statistics.median(times[place] / times[0] for times in rounds),
            reach=reach,
            aim=aim,
            more=False,
            detail=f"{COUNT / statistics.median(times[place] for times in rounds):,.0f} tasks/s",
        )
        for place, (name, reach, aim) in enumerate(bounds, 1)
    ]
