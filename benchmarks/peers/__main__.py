"""`python -m benchmarks.peers [NAME ...]`: make each peer's environment, run the cases there, print the table."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.figures import machine, number, put_between_marks
from benchmarks.peers.adapters import NEEDS

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "peers"
LIMIT = 420

Outcomes = dict[str, float | str]


def environment(name: str) -> Path:
    """Return the Python of an environment that has the peer `name`; made at its first use."""
    home = BUILD / name
    python, stamp = home / "bin" / "python", home / "stamp"
    wanted = hashlib.sha256(repr((NEEDS[name], sys.version)).encode()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", *NEEDS[name]]
        subprocess.run(pip, check=True, cwd=ROOT, env={**os.environ, "PIP_CACHE_DIR": str(ROOT / "build" / "pip")})
        stamp.write_text(wanted)
    return python


def outcomes(name: str) -> Outcomes:
    """Return what the peer `name` reached in each case that it got through."""
    command = [str(environment(name)), "-m", "benchmarks.peers.cases", name]
    log = BUILD / f"{name}.log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        ) as process,
    ):
        try:
            output, _ = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
    # What a peer prints itself is not ours to read.
    return dict(json.loads(line) for line in output.splitlines() if line.startswith('["'))


def rows(found: dict[str, Outcomes]) -> list[tuple[str, ...]]:
    """Return a row for each case, with a cell for each peer: `-` where it did not come to an end."""
    cases = list(dict.fromkeys(case for one in found.values() for case in one))
    return [(case, *(_cell(one.get(case, "-")) for one in found.values())) for case in cases]


def _cell(outcome: float | str) -> str:
    return outcome if isinstance(outcome, str) else number(outcome)


def into_readme(found: dict[str, Outcomes]) -> None:
    """Put the table between the README's marks."""
    lines = [("two workers", *found), ("---",) * (len(found) + 1), *rows(found)]
    text = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    put_between_marks(ROOT / "README.md", "peers", text)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NEEDS)} (all)")
    parser.add_argument("--readme", action="store_true", help="put the table into README.md")
    chosen = parser.parse_args()
    BUILD.mkdir(parents=True, exist_ok=True)
    found = {}
    for name in chosen.names or NEEDS:
        print(f"{name} ...", file=sys.stderr, flush=True)
        found[name] = outcomes(name)
    table = Table("two workers", *found, title="engineroom and its peers, on this machine")
    for row in rows(found):
        table.add_row(*row)
    Console().print(table)
    (ROOT / "build" / "peers.json").write_text(json.dumps({"machine": machine(), "peers": found}, indent=2) + "\n")
    if chosen.readme:
        into_readme(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
