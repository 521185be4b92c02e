"""A figure: what was measured, what it is held to, and how it is shown."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

CANNOT = 3
"""The exit code of a run that could not measure its row."""


class CannotMeasureError(Exception):
    """The code that is measured lacks what a row needs; the words say what."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One row of the table.

    `reach` and `aim` are in the same unit as `value`; `tls_reach` holds for `tls` (None: the same as `reach`).
    `more`: more is better. `reference`: what stands beside it, measured in the same run.
    """

    name: str
    unit: str
    value: float
    reach: float
    aim: float
    more: bool
    tls: float | None = None
    tls_reach: float | None = None
    reference: float | None = None
    reference_name: str = ""
    detail: str = ""

    def holds(self, value: float, bound: float) -> bool:
        return value >= bound if self.more else value <= bound

    @property
    def verdict(self) -> str:
        """Return "aimed for", "reached" or "missed", the last also when only TLS misses."""
        tls_bound = self.reach if self.tls_reach is None else self.tls_reach
        if not self.holds(self.value, self.reach):
            return "missed"
        if self.tls is not None and not self.holds(self.tls, tls_bound):
            return "missed over TLS"
        return "aimed for" if self.holds(self.value, self.aim) else "reached"

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "verdict": self.verdict}


def number(value: float | None) -> str:
    """Return `value` with three significant digits or, if large, as a whole number with commas."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


COLUMNS = ("what", "unit", "engineroom", "over TLS", "reference", "to reach", "to aim for", "")


def cells(figure: Figure) -> tuple[str, ...]:
    """Return what stands in each of `COLUMNS`."""
    sign = "≥" if figure.more else "≤"
    reference = f"{number(figure.reference)} ({figure.reference_name})" if figure.reference is not None else ""
    bounds = (f"{sign} {number(figure.reach)}", f"{sign} {number(figure.aim)}")
    return (figure.name, figure.unit, number(figure.value), number(figure.tls), reference, *bounds, figure.verdict)


def table(figures: Sequence[Figure]) -> Table:
    """Return the table for a terminal."""
    shown = Table(*COLUMNS, title="engineroom, and what it is held to")
    for column in shown.columns[2:7]:
        column.justify = "right"
    for figure in figures:
        style = {"missed": "red", "missed over TLS": "red", "aimed for": "green"}.get(figure.verdict)
        shown.add_row(*cells(figure), style=style)
    return shown


def markdown(figures: Sequence[Figure]) -> str:
    """Return the table for readers: what was measured, what stands beside it, and what we hold it to."""
    columns = ("what", "unit", "engineroom", "engineroom over TLS", "for comparison", "to reach", "")
    rows = [columns, ("---",) * len(columns)]
    for figure in figures:
        *shown, _aim, _verdict = cells(figure)
        rows.append((*shown, f"**{figure.verdict}**" if figure.verdict.startswith("missed") else "reached"))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def put_between_marks(page: Path, mark: str, text: str) -> None:
    """Replace what stands between `<!-- mark -->` and `<!-- /mark -->` on a page."""
    before, _, rest = page.read_text().partition(f"<!-- {mark} -->\n")
    _, _, after = rest.partition(f"<!-- /{mark} -->")
    page.write_text(f"{before}<!-- {mark} -->\n{text}<!-- /{mark} -->{after}")


def machine() -> dict[str, Any]:
    """Return what a reader must know of the machine and the run."""
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "load_before": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "when": time.strftime("%Y-%m-%d %H:%M"),
    }
