"""`python -m tests.chaos`: the chaos suite for as long as you like, with new seeds or with one that has failed."""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from tests.chaos.ends import client_killed, host_killed
from tests.chaos.faults import KILLS, KINDS, draw
from tests.chaos.story import Told, run

T = TypeVar("T")


def main() -> int:
    """Run seeds until the time is over or one fails; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this seed alone (default: new ones)")
    parser.add_argument("--minutes", type=float, default=5.0, help="how long to begin new runs (default: 5)")
    parser.add_argument("--tasks", type=int, default=2000)
    parser.add_argument("--engines", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=0.02, help="what each task takes (default: 0.02)")
    parser.add_argument("--faults", type=int, default=20)
    parser.add_argument("--within", type=float, default=15.0, help="seconds in which they happen (default: 15)")
    parser.add_argument("--kills", action="store_true", help="kill only: stop and cut off nobody")
    chosen = parser.parse_args()
    end = time.monotonic() + 60 * chosen.minutes
    while True:
        seed = random.randrange(10**6) if chosen.seed is None else chosen.seed
        told = _run(seed, chosen)
        words = f"seed {seed}: {told.seconds:.1f} s, {told.again} runs were repeated"
        print(words, flush=True)
        if told.wrong:
            _say(told, seed, chosen)
            return 1
        if chosen.seed is not None or time.monotonic() > end:
            return 0


def _run(seed: int, chosen: argparse.Namespace) -> Told:
    ended = []
    for killed in () if chosen.kills else (host_killed, client_killed):
        ended += [f"{killed.__name__}: {words}" for words in _somewhere(partial(killed, seed=seed))]
    faults = draw(seed, chosen.faults, within=chosen.within, kinds=KILLS if chosen.kills else KINDS)
    told = _somewhere(
        lambda place: run(place, faults, tasks=chosen.tasks, engines=chosen.engines, seconds=chosen.seconds)
    )
    told.wrong += ended
    return told


def _somewhere(do: Callable[[Path], T]) -> T:
    """Return what is done in a place of its own, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="er-chaos-", ignore_cleanup_errors=True) as place:
        os.environ["IPYTHONDIR"] = os.environ["ENGINEROOM_SOCKET_DIR"] = place
        return do(Path(place))


def _say(told: Told, seed: int, chosen: argparse.Namespace) -> None:
    print("\n".join(["what happened:", *(f"  {line}" for line in told.done), "what must not be:", *told.wrong[:40]]))
    said = {name: getattr(chosen, name) for name in ("tasks", "engines", "seconds", "faults", "within")}
    options = " ".join(f"--{name}={value}" for name, value in said.items())
    print(f"run it again: python -m tests.chaos --seed={seed} {options}{' --kills' if chosen.kills else ''}")


if __name__ == "__main__":
    sys.exit(main())
