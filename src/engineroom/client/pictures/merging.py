"""The bars of a timeline, and fewer of them: what is too narrow to be seen alone becomes one bar."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

FAILED = frozenset({"error", "lost"})
"""States of tasks that failed."""


class Bar(NamedTuple):
    """One task on one engine, or `tasks` of them, of which `failed` did.

    Times are seconds since 1970; `busy`: seconds that they ran.
    """

    lane: int
    start: float
    end: float
    state: str = "ok"
    name: str = ""
    title: str = ""
    tasks: int = 1
    busy: float = 0.0
    failed: int = 0

    @property
    def failures(self) -> int:
        """How many of its tasks failed."""
        return self.failed or int(self.tasks == 1 and self.state in FAILED)


def merged(bars: Iterable[Bar], least: float) -> Iterator[Bar]:
    """Yield the bars of one lane in order; those that begin within `least` seconds of one another become one.

    A bar that lasts longer stays alone.
    """
    together: Bar | None = None
    for bar in sorted(bars, key=lambda each: each.start):
        if bar.end - bar.start >= least:
            yield bar
        elif together is None:
            together = bar
        elif bar.start < together.start + least:
            together = _both(together, bar)
        else:
            yield together
            together = bar
    if together is not None:
        yield together


def _both(one: Bar, other: Bar) -> Bar:
    tasks, failed, busy = one.tasks + other.tasks, one.failures + other.failures, one.busy + other.busy
    return Bar(
        one.lane,
        one.start,
        max(one.end, other.end),
        one.state if one.state == other.state else "ok",
        one.name if one.name == other.name else "several",
        f"{tasks:,} tasks, {busy:.3g} s{f', {failed:,} failed' if failed else ''}",
        tasks,
        busy,
        failed,
    )
