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
from pathlib import Path

from rich.console import Console

from benchmarks.figures import CANNOT, CannotMeasureError, Figure, machine, markdown, put_between_marks, table
from benchmarks.rows import ROWS, measure

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "figures.md"
RESULTS = ROOT / "build" / "bench.json"
LIMIT = 180


def measure_apart(row: str) -> list[Figure] | str:
    """Return the figures of `row`, measured in a process of its own, or the last line of what went wrong."""
    command = [sys.executable, "-m", "benchmarks", "--here", row]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            output, _ = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGTERM)
            return f"not done in {LIMIT} s"
    if process.returncode == CANNOT:
        return output.strip()
    if process.returncode:
        return f"failed with exit code {process.returncode}"
    return [Figure(**fields) for fields in json.loads(output)]


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
    console, figures, failed = Console(width=None if sys.stdout.isatty() else 150), [], {}
    for row in chosen.rows or ROWS:
        measured = measure_apart(row)
        if isinstance(measured, str):
            failed[row] = measured
            console.print(f"{row}: {measured}", style="red")
            continue
        figures += measured
        for figure in measured:
            console.print(f"{figure.name}: {figure.value:,.3g} {figure.unit}, {figure.verdict}. {figure.detail}")
    console.print(table(figures))
    RESULTS.parent.mkdir(exist_ok=True)
    results = {"machine": machine(), "figures": [figure.as_json() for figure in figures], "failed": failed}
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    console.print(f"written to {RESULTS}")
    if chosen.docs:
        put_between_marks(PAGE, "bench", markdown(figures))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
