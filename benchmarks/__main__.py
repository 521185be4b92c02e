"""`python -m benchmarks [ROW ...]`: measure, print the table, keep it as JSON.

Each row runs in a process of its own, so that none stands on what another left in memory, and within a time limit.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from benchmarks.figures import CANNOT, CannotMeasureError, Figure, cells, machine, markdown, put_between_marks, table
from benchmarks.rows import ROWS, measure

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "figures.md"
RESULTS = ROOT / "build" / "bench.json"
LIMIT = 300
LIMITS = {"simulated": 600}
"""Seconds that a row may take, and some that may take longer."""


class LeftOut(str):
    """Why a row can't be measured here."""

    __slots__ = ()


def measure_apart(row: str) -> list[Figure] | str:
    """Return the figures of `row`, measured in a process of its own, or the last line of what went wrong."""
    limit = LIMITS.get(row, LIMIT)
    command = [sys.executable, "-m", "benchmarks", "--here", row]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            output, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGTERM)
            return f"not done in {limit} s"
    if process.returncode == CANNOT:
        return LeftOut(output.strip())
    if process.returncode:
        return f"failed with exit code {process.returncode}"
    return [Figure(**fields) for fields in json.loads(output)]


@dataclass
class Found:
    """What a run has found. `failed`, `left_out`: rows without figures, and why."""

    figures: list[Figure] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        figures = [figure.as_json() for figure in self.figures]
        return {"machine": machine(), "figures": figures, "failed": self.failed, "left_out": self.left_out}

    def say_what_is_missed(self, console: Console) -> None:
        """Print each figure that is not what it has to be, and each row without one."""
        for figure in self.figures:
            if figure.verdict.startswith("missed"):
                _, unit, value, tls, _, reach, _, verdict = cells(figure)
                over_tls = f", over TLS {tls}" if tls else ""
                console.print(f"{verdict}: {figure.name}: {value}{over_tls} {unit}, has to be {reach}", style="red")
        for row, why in self.failed.items():
            console.print(f"no figures: {row}: {why}", style="red")
        for row, why in self.left_out.items():
            console.print(f"left out: {row}: {why}", style="yellow")


def measure_all(console: Console, rows: Sequence[str]) -> Found:
    """Measure `rows` one after the other, and print what comes of each."""
    found = Found()
    for row in rows:
        measured = measure_apart(row)
        if isinstance(measured, str):
            (found.left_out if isinstance(measured, LeftOut) else found.failed)[row] = measured
            console.print(f"{row}: {measured}", style="red")
            continue
        found.figures += measured
        for figure in measured:
            console.print(f"{figure.name}: {figure.value:,.3g} {figure.unit}, {figure.verdict}. {figure.detail}")
    return found


def fields_of(figure: Figure) -> dict[str, object]:
    return {name: value for name, value in figure.as_json().items() if name != "verdict"}


def measure_here(rows: Sequence[str]) -> int:
    """Measure in this process, and print the figures as JSON or, with an exit code of its own, why that can't be."""
    try:
        figures = [figure for row in rows for figure in measure(row)]
    except CannotMeasureError as error:
        print(error)
        return CANNOT
    print(json.dumps([fields_of(figure) for figure in figures]))
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="rows: " + ", ".join(ROWS))
    parser.add_argument("rows", nargs="*", choices=[[], *ROWS], help="rows to measure (all)")
    parser.add_argument("--here", action="store_true", help="measure in this process and print JSON")
    parser.add_argument("--docs", action="store_true", help="put the table into docs/figures.md")
    chosen = parser.parse_args()
    if chosen.here:
        return measure_here(chosen.rows)
    console = Console(width=None if sys.stdout.isatty() else 150)
    found = measure_all(console, chosen.rows or list(ROWS))
    console.print(table(found.figures))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found.as_json(), indent=2) + "\n")
    console.print(f"written to {RESULTS}")
    found.say_what_is_missed(console)
    if chosen.docs:
        put_between_marks(PAGE, "bench", markdown(found.figures))
    return 1 if found.failed else 0


if __name__ == "__main__":
    sys.exit(main())
