"""`python -m benchmarks.against REV [ROW ...]`: the code at REV beside this code, in turns.

Old, new, old, new ... old: so that a machine that becomes slower or faster meanwhile does both alike. Every figure is
compared as a ratio of times (above 1: the new code is worse): each new run with the mean of the old ones before and
after it. Two old runs in a row give the same ratio for code that did not change: what that shows is noise.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.figures import CANNOT, CannotMeasureError, Figure
from benchmarks.references import UNWANTED
from benchmarks.rows import ROWS

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 300
"""Seconds that one run of one row may take."""
ALLOWED = 1.05

Run = dict[str, float]
"""What one run measured, by figure: seconds, or other amounts of which less is better."""


@dataclass(frozen=True)
class Comparison:
    """One figure: the ratios new to old, and those of old runs to the old runs before them."""

    figure: str
    changes: tuple[float, ...]
    noise: tuple[float, ...]

    @property
    def change(self) -> float:
        return statistics.median(self.changes)

    @property
    def worse(self) -> bool:
        """Whether the new code is worse by more than 5 % and by more than unchanged code is from run to run."""
        return self.change > max(ALLOWED, statistics.median(max(ratio, 1 / ratio) for ratio in self.noise))


def compare(olds: Sequence[Run], news: Sequence[Run]) -> list[Comparison]:
    """Return a comparison of every figure; `olds` has one run more than `news`, each new one lies between two."""
    found = []
    for figure in news[0]:
        old, new = ([run[figure] for run in runs] for runs in (olds, news))
        pairs = list(itertools.pairwise(old))
        changes = tuple(value * 2 / (before + after) for value, (before, after) in zip(new, pairs, strict=True))
        found.append(Comparison(figure, changes, tuple(after / before for before, after in pairs)))
    return found


def environment_of(revision: str) -> Path:
    """Return the interpreter of an environment that has the code at `revision`; made once, below build/."""
    commit = _git("rev-parse", "--verify", f"{revision}^{{commit}}")
    place = ROOT / "build" / "against" / commit[:12]
    if not (place / "pyproject.toml").exists():
        place.mkdir(parents=True, exist_ok=True)
        _git("archive", f"--output={place}.tar", commit)
        shutil.unpack_archive(f"{place}.tar", place, filter="data")
    subprocess.run(["bash", ".ci/venv", ".venv", ""], cwd=place, check=True)
    return place / ".venv" / "bin" / "python"


def _git(*command: str) -> str:
    done = subprocess.run(["git", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"git {' '.join(command)}: {done.stderr.strip()}")
    return done.stdout.strip()


def measure(python: Path, row: str) -> Run:
    """Return what this directory's benchmarks measure of `python`'s engineroom. CannotMeasureError: it lacks that."""
    command = [str(python), "-m", "benchmarks", "--here", row]
    environment = os.environ | {UNWANTED: "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, timeout=LIMIT, check=False)
    if done.returncode == CANNOT:
        raise CannotMeasureError(done.stdout.decode().strip())
    done.check_returncode()
    run = {}
    for figure in (Figure(**fields) for fields in json.loads(done.stdout)):
        for where, value in ((figure.name, figure.value), (f"{figure.name}, over TLS", figure.tls)):
            if value:  # an idle CPU of exactly 0 has no ratio
                run[where] = (1 / value if value else math.inf) if figure.more else value
    return run


def in_turns(old: Path, row: str, pairs: int) -> list[Comparison]:
    """Return the comparisons of the figures of `row`."""
    new = Path(sys.executable)
    olds, news = [measure(old, row)], []
    for _ in range(pairs):
        news.append(measure(new, row))
        olds.append(measure(old, row))
    common = set.intersection(*(set(run) for run in [*olds, *news]))
    olds, news = ([{name: run[name] for name in run if name in common} for run in runs] for runs in (olds, news))
    return compare(olds, news)


def table(comparisons: Sequence[Comparison], revision: str) -> Table:
    """Return the table for a terminal."""
    shown = Table("figure", "new/old", "range", "old/old", "", title=f"this code beside {revision} (above 1: slower)")
    for each in comparisons:
        noise = f"{min(each.noise):.2f}-{max(each.noise):.2f}"
        verdict = "worse" if each.worse else ""
        spread = f"{min(each.changes):.2f}-{max(each.changes):.2f}"
        shown.add_row(each.figure, f"{each.change:.2f}", spread, noise, verdict, style="red" if each.worse else None)
    return shown


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.against", description="rows: " + ", ".join(ROWS))
    parser.add_argument("revision", help="the code to compare with, as git names it")
    parser.add_argument("rows", nargs="*", choices=[[], *ROWS], help="rows to measure (all)")
    parser.add_argument("--pairs", type=int, default=7, help="how often each is measured (7)")
    chosen = parser.parse_args()
    old = environment_of(chosen.revision)
    console = Console(width=None if sys.stdout.isatty() else 130)
    comparisons: list[Comparison] = []
    for row in chosen.rows or ROWS:
        try:
            measured = in_turns(old, row, chosen.pairs)
        except CannotMeasureError as error:
            console.print(f"{row}: not compared: {error}")
            continue
        for each in measured:
            console.print(f"{each.figure}: {each.change:.3f}{', worse' if each.worse else ''}")
        comparisons += measured
    console.print(table(comparisons, chosen.revision))
    return 1 if any(each.worse for each in comparisons) else 0


if __name__ == "__main__":
    sys.exit(main())
